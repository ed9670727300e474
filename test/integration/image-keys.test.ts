import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createRoot } from "../../cli/certs/authority.ts";
import { temporaryFolder } from "../../cli/fixtures/processes.ts";
import { BASE_IMAGE, BUILD_MS, buildImage, IMAGE, podman } from "./podman.ts";

const run = promisify(execFile);

/** One whole key in PEM: programs that read keys hold the lines around one. */
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+(?:[A-Za-z0-9+/=]{16,}\s+)+-----END /;
/** More than a key of 4,096 bits takes. */
const LONGEST_KEY = 8_192;

/** Where something is in a file that may be large; -1 if it is nowhere. */
async function find(path: string, pattern: RegExp): Promise<number> {
  let offset = 0;
  let text = "";
  for await (const chunk of createReadStream(path, { encoding: "latin1", highWaterMark: 1 << 20 })) {
    const kept = text.slice(-LONGEST_KEY);
    offset += text.length - kept.length;
    text = kept + chunk;
    const at = text.search(pattern);
    if (at >= 0) return offset + at;
  }
  return -1;
}

/** The digests of the layers of an image. */
async function layersOf(image: string): Promise<string[]> {
  const layers = await podman("image", "inspect", image, "--format", "{{range .RootFS.Layers}}{{.}} {{end}}");
  return layers.split(" ").map((layer) => layer.replace("sha256:", ""));
}

beforeAll(buildImage, BUILD_MS);

test("no layer that the build adds to its base holds a private key", async () => {
  const folder = temporaryFolder();
  const archive = join(folder, "image.tar");
  // The base has keys in it: the library of GnuTLS tests itself by them.
  const ofBase = await layersOf(BASE_IMAGE);
  const added = (await layersOf(IMAGE)).filter((layer) => !ofBase.includes(layer)).map((digest) => `${digest}.tar`);
  await podman("save", "--format", "docker-archive", "--output", archive, IMAGE);
  await run("tar", ["--extract", "--file", archive, "--directory", folder, ...added]);

  expect(added.length).toBeGreaterThan(5);
  for (const layer of added) expect([layer, await find(join(folder, layer), PRIVATE_KEY)]).toEqual([layer, -1]);
}, 60_000);

test("a key is found wherever it is in a layer", async () => {
  const path = join(temporaryFolder(), "layer");
  const { keyPem } = await createRoot({ trustDomain: "bookmesh.local", now: new Date() });
  const before = (1 << 20) - 100;
  await writeFile(path, `${" ".repeat(before)}${keyPem}${" ".repeat(before)}`);

  expect(await find(path, PRIVATE_KEY)).toBe(before);
});

test("the build sees nothing of a shop that ran in the folder, and no keys that lie around", async () => {
  const folder = temporaryFolder();
  const seen = ["services/orders/main.ts", "cli/certs/authority.ts", "package.json"];
  const unseen = [".bookmesh/authority/1/root.key", ".bookmesh/credentials/orders/tls.key", ".env", ".git/config"];
  const keys = ["services/orders/tls.key", "cli/certs/ca.pem", "runtime/server.key", "orders/tls.crt", "root.key"];
  for (const path of [...seen, ...unseen, ...keys]) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), path);
  }
  await copyFile(new URL("../../.dockerignore", import.meta.url), join(folder, ".dockerignore"));
  await writeFile(join(folder, "Dockerfile"), "FROM scratch\nCOPY . /context/\n");
  const image = `localhost/bookmesh-context:${process.pid}`;
  await podman("build", "--quiet", "--tag", image, folder);
  try {
    const container = await podman("create", image, "nothing");
    const archive = join(folder, "context.tar");
    await podman("export", "--output", archive, container);
    await podman("rm", container);
    const files = (await run("tar", ["--list", "--file", archive])).stdout.split("\n");

    expect(files.filter((path) => path.startsWith("context/") && !path.endsWith("/")).toSorted()).toEqual(
      seen.map((path) => `context/${path}`).toSorted(),
    );
  } finally {
    await podman("rmi", "--force", image);
  }
}, 60_000);
