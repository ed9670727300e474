import { readdirSync } from "node:fs";
import { KubePlay } from "./kube-play.ts";
import { buildImage, IMAGE, podman, renderKustomization, tryPodman } from "./podman.ts";

const BUILD_MS = 600_000;
const PLAY_MS = 180_000;
const LARGEST_ADDITION_MB = 60;
const READ_ONLY = ["--read-only", "--tmpfs", "/tmp"];

const services = readdirSync(new URL("../../services", import.meta.url));

/** What a program prints that runs in the image. */
function inImage(...command: string[]): Promise<string> {
  const [program = "", ...args] = command;
  return podman("run", "--rm", ...READ_ONLY, "--entrypoint", program, IMAGE, ...args);
}

/** Looks again and again until it is so; the test's own time limit ends it. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
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

test("there are no keys and no tests in the image", async () => {
  const tests = [
    "-name",
    "*.test.ts",
    "-o",
    "-name",
    "testing*.ts",
    "-o",
    "-name",
    "*.pem",
    "-o",
    "-name",
    "*.key",
    "-o",
    "-name",
    ".env*",
    "-o",
    "-name",
    ".git",
  ];
  const ours = await inImage("find", "/app", "-path", "/app/node_modules", "-prune", "-o", "(", ...tests, ")", "-print");

  expect(ours).toBe("");
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
    const id = await podman("run", "--detach", ...READ_ONLY, "--cap-drop", "all", IMAGE, `services/${service}/main.ts`);
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
}, 60_000);

describe("the local overlay, played by podman", () => {
  let play: KubePlay;
  beforeAll(async () => {
    play = await KubePlay.start(await renderKustomization("kubernetes/overlays/local"));
  }, PLAY_MS);
  afterAll(() => play?.[Symbol.asyncDispose](), PLAY_MS);

  async function suggestions(): Promise<number> {
    const page = await (await fetch(play.storefront)).text();
    expect(page).toContain("<h1>Mystery books you may like</h1>");
    return page.split("<li>").length - 1;
  }

  async function recommended(container: string): Promise<number> {
    return (await podman("logs", container)).split("RecommendationsService/Recommend").length - 1;
  }

  test("the storefront suggests three mysteries, and asks every pod of recommendations for them", async () => {
    const pods = play.pods.filter(({ app }) => app === "recommendations");
    expect(pods).toHaveLength(3);
    // The first calls go to the pods that are connected first.
    await eventually(async () => {
      expect(await suggestions()).toBe(3);
      const calls = await Promise.all(pods.map(({ container }) => recommended(container)));
      return Math.min(...calls) >= 3;
    });
  });

  test("the storefront goes on when a pod of recommendations is gone", async () => {
    const [gone] = play.pods.filter(({ app }) => app === "recommendations");
    await podman("pod", "stop", gone?.name ?? "");

    for (let visit = 0; visit < 6; visit += 1) expect(await suggestions()).toBe(3);
  }, 60_000);

  test("containers run with no capability, no new privileges, seccomp and a read-only root", async () => {
    for (const { container } of play.pods.slice(1)) {
      if ((await podman("inspect", container, "--format", "{{.State.Running}}")) !== "true") continue;
      const status = await podman("exec", container, "cat", "/proc/1/status");
      expect(status).toMatch(/^CapEff:\t0{16}$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect((await tryPodman("exec", container, "touch", "/app/written")).stderr).toContain("Read-only file system");
    }
  });
});
