import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OPERATOR } from "../../cli/certs/mesh-authority.ts";
import { CREDENTIAL_FILES } from "../../runtime/credential-files.ts";
import type { TestAuthority } from "../support/test-authority.ts";

/** The group of the pods: their fsGroup. */
const GROUP = 1000;

/**
 * A folder with credentials as the kubelet mounts a Secret: the files are root's, and the group of the pod may read them.
 *
 * podman can mount Secrets itself, but copies them once, and 4.3 crashes over most of them.
 */
export class MountedSecret implements AsyncDisposable {
  readonly folder: string;
  readonly #authority: TestAuthority;
  readonly #name: string;
  #versions = 0;

  private constructor(folder: string, authority: TestAuthority, name: string) {
    this.folder = folder;
    this.#authority = authority;
    this.#name = name;
  }

  /** @param name whose identity it is. */
  static async create(authority: TestAuthority, name = OPERATOR): Promise<MountedSecret> {
    // A folder below the temporary one, which is its owner's alone.
    const folder = join(await mkdtemp(join(tmpdir(), "bookmesh-secret-")), name);
    await mkdir(folder, { mode: 0o755 });
    const secret = new MountedSecret(folder, authority, name);
    await secret.renew();
    for (const file of Object.values(CREDENTIAL_FILES)) await symlink(join("..data", file), join(folder, file));
    return secret;
  }

  /** Issues another certificate, and puts it in the place of the one before in one step. */
  async renew(): Promise<void> {
    const { certificatePem, keyPem } = await this.#authority.issue(this.#name);
    const version = `..version-${++this.#versions}`;
    const contents = { ca: this.#authority.root.certificatePem, certificate: certificatePem, key: keyPem };
    await mkdir(join(this.folder, version), { mode: 0o755 });
    for (const [kind, file] of Object.entries(CREDENTIAL_FILES) as [keyof typeof contents, string][]) {
      await writeFile(join(this.folder, version, file), contents[kind]);
      await giveToGroup(join(this.folder, version, file));
    }
    await symlink(version, join(this.folder, "..data_tmp"));
    await rename(join(this.folder, "..data_tmp"), join(this.folder, "..data"));
    if (this.#versions > 1) await rm(join(this.folder, `..version-${this.#versions - 1}`), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.folder, ".."), { recursive: true, force: true });
  }
}

/** Where podman runs without root no other user can be given a file: there everybody may read it. */
async function giveToGroup(path: string): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(path, 0, GROUP);
  await chmod(path, isRoot ? 0o440 : 0o444);
}
