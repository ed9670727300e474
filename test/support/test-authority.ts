import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createRoot, issueLeaf, type KeyedCertificate, type LeafOptions } from "../../cli/certs/authority.ts";
import { writeCredentials } from "../../cli/certs/credential-folder.ts";
import { Credentials } from "../../runtime/credentials.ts";
import { DEFAULT_TRUST_DOMAIN } from "../../runtime/spiffe.ts";

const HOUR_MS = 3_600_000;

/** An authority of one test, and what it has issued. Bind it with `await using`, which closes and removes all of it. */
export class TestAuthority implements AsyncDisposable {
  readonly root: KeyedCertificate;
  readonly trustDomain: string;
  readonly #data: string;
  readonly #open = new Map<string, Credentials>();

  private constructor(root: KeyedCertificate, trustDomain: string, data: string) {
    this.root = root;
    this.trustDomain = trustDomain;
    this.#data = data;
  }

  static async create(trustDomain = DEFAULT_TRUST_DOMAIN): Promise<TestAuthority> {
    const root = await createRoot({ trustDomain, now: new Date() });
    return new TestAuthority(root, trustDomain, await mkdtemp(join(tmpdir(), "bookmesh-test-")));
  }

  /** A certificate for an hour, and its key, in PEM. */
  issue(name: string, options: Partial<LeafOptions> = {}): Promise<KeyedCertificate> {
    const now = Date.now();
    const { trustDomain } = this;
    const validity = { notBefore: new Date(now - HOUR_MS), notAfter: new Date(now + HOUR_MS) };
    return issueLeaf(this.root, { trustDomain, name, ...validity, ...options });
  }

  /** Writes ca.crt, tls.crt and tls.key. @returns the folder: the one given, or a new one. */
  async folder(name: string, options: Partial<LeafOptions> & { ca?: string; folder?: string } = {}): Promise<string> {
    const { ca = this.root.certificatePem, folder = join(this.#data, randomUUID()), ...leaf } = options;
    const { certificatePem: certificate, keyPem: key } = await this.issue(name, leaf);
    await writeCredentials(folder, { ca, certificate, key });
    return folder;
  }

  /** What an identity takes part in a mesh with: the same each time. */
  async credentials(name: string): Promise<Credentials> {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const credentials = await Credentials.open({ folder: await this.folder(name), logger: pino({ level: "silent" }) });
    this.#open.set(name, credentials);
    return credentials;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const credentials of this.#open.values()) credentials.close();
    await rm(this.#data, { recursive: true, force: true });
  }
}
