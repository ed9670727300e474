import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import type { StatusDocument } from "../../cli/status-document.ts";
import { TestAuthority } from "../support/test-authority.ts";
import { eventually } from "./eventually.ts";
import { KubePlay } from "./kube-play.ts";
import { BUILD_MS, buildImage, podman, renderKustomization, tryPodman } from "./podman.ts";

const PLAY_MS = 180_000;
const BOOKMESH = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** Runs a command of this machine, not of a container. */
function bookmesh(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BOOKMESH, ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

let authority: TestAuthority;
let play: KubePlay;
beforeAll(async () => {
  authority = await TestAuthority.create();
  await buildImage();
  play = await KubePlay.start(await renderKustomization("kubernetes/overlays/local"), authority);
}, BUILD_MS + PLAY_MS);
afterAll(async () => {
  await play?.[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
}, PLAY_MS);

async function suggestions(): Promise<number> {
  const page = await (await fetch(play.storefront)).text();
  expect(page).toContain("<h1>Mystery books you may like</h1>");
  return page.split("<li>").length - 1;
}

async function recommended(container: string): Promise<number> {
  return (await podman("logs", container)).split("RecommendationsService/Recommend").length - 1;
}

test("an operator outside asks a registry, by a certificate of the mesh, and sees that callers are sent to every pod", async () => {
  const folder = await authority.folder("operator");
  // A pod that is ready is about to register.
  await eventually(async () => {
    const { stdout } = await bookmesh("status", "--json", "--registry", play.registry, "--credentials", folder);
    const { services } = JSON.parse(stdout) as StatusDocument;
    const called = services.flatMap(({ name, instances }) => instances.filter(({ inEndpoints }) => inEndpoints).map(() => name));
    return isDeepStrictEqual(called.toSorted(), play.pods.map(({ app }) => app).toSorted());
  });
});

test.each([
  ["a service may not do what is the operator's", "push", /push may not call/],
  ["a stranger with a certificate of his own root is not answered", undefined, /belongs to another mesh|no registry answers/],
])("%s", async (_what, name, refusal) => {
  await using others = await TestAuthority.create();
  const folder = await (name === undefined ? others.folder("operator") : authority.folder(name));

  const { status, stderr } = await bookmesh("restore", "--registry", play.registry, "--credentials", folder);

  expect(status).not.toBe(0);
  expect(stderr).toMatch(refusal);
});

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

test("pods load the next certificate from their Secret while they run", async () => {
  for (const { app, container } of play.pods.filter(({ app }) => app === "marketplace" || app === "register")) {
    await play.renew(app);
    await eventually(async () => (await podman("logs", container)).includes('"msg":"the certificate was renewed"'));
  }
  expect(await suggestions()).toBe(3);
});

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
