import { readdirSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { TestAuthority } from "../support/test-authority.ts";
import { eventually } from "./eventually.ts";
import { MountedSecret } from "./mounted-secret.ts";
import { BUILD_MS, buildImage, IMAGE, podman, tryPodman } from "./podman.ts";

const LARGEST_ADDITION_MB = 60;
const READ_ONLY = ["--read-only", "--tmpfs", "/tmp"];

const CREDENTIALS = "/etc/bookmesh/credentials";

const services = readdirSync(new URL("../../services", import.meta.url));

let authority: TestAuthority;
beforeAll(async () => {
  authority = await TestAuthority.create();
});
afterAll(() => authority[Symbol.asyncDispose]());

/** What a program prints that runs in the image. */
function inImage(...command: string[]): Promise<string> {
  const [program = "", ...args] = command;
  return podman("run", "--rm", ...READ_ONLY, "--entrypoint", program, IMAGE, ...args);
}

/** Gives a container the files of an identity. */
function mounted({ folder }: MountedSecret): string[] {
  return ["--volume", `${folder}:${CREDENTIALS}:ro`, "--env", `CREDENTIALS_DIR=${CREDENTIALS}`];
}

beforeAll(buildImage, BUILD_MS);

test("the image adds little to its base", async () => {
  const sizes = await podman("image", "inspect", IMAGE, "node:24-bookworm-slim", "--format", "{{.Size}}");
  const [image = 0, base = 0] = sizes.split("\n").map(Number);

  expect((image - base) / 1e6).toBeLessThan(LARGEST_ADDITION_MB);
});

test("processes of the image are not root, by number", async () => {
  expect(await podman("image", "inspect", IMAGE, "--format", "{{.Config.User}}")).toBe("1000:1000");
  expect(await inImage("id", "-u")).toBe("1000");
});

test("the user of the image may write to /data and to nothing else of it", async () => {
  const writable = await podman(
    ...["run", "--rm", "--entrypoint", "find", IMAGE],
    ...["/app", "/data", "/usr", "/opt", "-writable", "-not", "-type", "l"],
  );

  expect(writable).toBe("/data");
});

test("there is one Node in the image, and nothing that only development needs", async () => {
  const anywhere = ["/", "-xdev", "-type", "f", "-name", "node", "-size", "+1M"];
  const nodes = await podman("run", "--rm", "--user", "0", "--entrypoint", "find", IMAGE, ...anywhere);
  expect(nodes).toBe("/usr/local/bin/node");
  const packages = (await inImage("ls", "/app/node_modules")).split("\n");
  expect(packages).toContain("fastify");
  for (const name of ["node", "typescript", "jest", "ts-proto", "yaml", "@biomejs", "@types"])
    expect(packages).not.toContain(name);
});

test("there are no tests in the image, and no folder of a shop that ran", async () => {
  const names = ["*.test.ts", "testing*.ts", ".env*", ".git", "authority", "credentials"].flatMap((name) => [
    "-o",
    "-name",
    name,
  ]);
  const found = await inImage(
    "find",
    "/app",
    "/data",
    "/tmp",
    "-path",
    "*/node_modules",
    "-prune",
    "-o",
    "(",
    "-false",
    ...names,
    ")",
    "-print",
  );

  expect(found).toBe("");
});

test("passwords are hashed in the image: the binary of argon2 is there", async () => {
  const hash = 'import("@node-rs/argon2").then(async ({ hash }) => console.log(await hash("correct horse")))';

  expect(await inImage("node", "--eval", hash)).toMatch(/^\$argon2id\$/);
});

test("compiled code comes with the image, so that no types are stripped when a service starts", async () => {
  const trace = ["--env", "NODE_DEBUG_NATIVE=COMPILE_CACHE", "--env", "PORT=high"];
  const { stderr } = await tryPodman("run", "--rm", ...READ_ONLY, ...trace, IMAGE, "services/register/main.ts");
  const lookups = stderr.split("\n").filter((line) => line.includes("retrieving transpile cache"));

  expect(lookups.length).toBeGreaterThan(20);
  expect(lookups.filter((line) => !line.endsWith("success"))).toEqual([]);
});

test.each(services)(
  "%s starts with a read-only root, and stops with 0 when asked to",
  async (service) => {
    await using secret = await MountedSecret.create(authority, service);
    const restricted = [...READ_ONLY, "--cap-drop", "all"];
    const id = await podman("run", "--detach", ...restricted, ...mounted(secret), IMAGE, `services/${service}/main.ts`);
    try {
      await eventually(async () => (await podman("logs", id)).includes('"msg":"listening"'));
      await podman("kill", "--signal", "TERM", id);

      expect(await podman("wait", id)).toBe("0");
      expect(await podman("logs", id)).toContain("Shut down gracefully");
    } finally {
      await podman("rm", "--force", "--volumes", id);
    }
  },
  60_000,
);

test("settings that cannot be used end a container with 64, and all of them are named", async () => {
  const bad = ["--env", "PORT=high", "--env", "DATABASE_URL=mysql://root@db/books"];
  const { status, stderr } = await tryPodman("run", "--rm", ...READ_ONLY, ...bad, IMAGE, "services/register/main.ts");

  expect(status).toBe(64);
  expect(stderr).toContain("PORT: ");
  expect(stderr).toContain("DATABASE_URL: ");
});

test.each(services)(
  "%s ends with 64 where it has no credentials, and says what is missing and how to get it",
  async (service) => {
    const { status, stderr } = await tryPodman("run", "--rm", ...READ_ONLY, IMAGE, `services/${service}/main.ts`);

    expect(status).toBe(64);
    expect(stderr).toContain(`CREDENTIALS_DIR: .bookmesh/credentials/${service}/ca.crt does not exist`);
    expect(stderr).toContain("bookmesh certs issue");
  },
);

test("a service ends with 64 where it may not read its key, and says so", async () => {
  await using secret = await MountedSecret.create(authority, "register");
  await chown(join(secret.folder, "tls.key"), 0, 0);
  const { status, stderr } = await tryPodman("run", "--rm", ...READ_ONLY, ...mounted(secret), IMAGE, "services/register/main.ts");

  expect(status).toBe(64);
  expect(stderr).toContain(`CREDENTIALS_DIR: ${CREDENTIALS}/tls.key cannot be read (EACCES)`);
});

test("without arguments the image is the whole bookstore", async () => {
  const id = await podman("run", "--detach", ...READ_ONLY, IMAGE);
  try {
    const page = 'fetch("http://127.0.0.1:5000/").then((answer) => answer.text()).then((text) => console.log(text))';
    await eventually(async () => (await tryPodman("exec", id, "node", "--eval", page)).stdout.split("<li>").length === 4);
    await podman("kill", "--signal", "TERM", id);

    expect(await podman("wait", id)).toBe("0");
  } finally {
    await podman("rm", "--force", "--volumes", id);
  }
}, 120_000);
