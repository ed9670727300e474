import { parse } from "yaml";
import { services } from "../../cli/services.ts";
import { read } from "../support/manifests.ts";
import { eventually } from "./eventually.ts";
import { BUILD_MS, buildImage, IMAGE, podman, tryPodman } from "./podman.ts";

interface ComposeService {
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  volumes: string[];
}

const compose: {
  services: Record<string, ComposeService>;
  volumes: Record<string, { driver_opts?: Record<string, string> }>;
} = parse(read("compose.yaml"), { merge: true });
const prefix = `bookmesh-compose-${process.pid}`;

/** Runs a container of compose.yaml, alone and without a network. podman has no compose of its own. */
async function start(name: string): Promise<string> {
  const { entrypoint, command = [], environment = {}, volumes } = compose.services[name] as ComposeService;
  return await podman(
    ...["run", "--detach", "--name", `${prefix}-${name}`, "--network", "none", "--init"],
    ...["--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges"],
    ...Object.entries(environment).flatMap(([setting, value]) => ["--env", `${setting}=${value}`]),
    ...volumes.flatMap((volume) => ["--volume", `${prefix}-${volume}`]),
    ...(entrypoint === undefined ? [] : ["--entrypoint", JSON.stringify(entrypoint)]),
    ...[IMAGE, ...command],
  );
}

beforeAll(async () => {
  await buildImage();
  for (const [name, volume] of Object.entries(compose.volumes)) {
    const options = Object.entries(volume.driver_opts ?? {}).flatMap(([option, value]) => ["--opt", `${option}=${value}`]);
    await podman("volume", "create", ...options, `${prefix}-${name}`);
  }
}, BUILD_MS);
afterAll(async () => {
  for (const name of Object.keys(compose.services)) await podman("rm", "--force", "--ignore", `${prefix}-${name}`);
  for (const name of Object.keys(compose.volumes)) await podman("volume", "rm", "--force", `${prefix}-${name}`);
}, 60_000);

test("the authority gives every service its own credentials, and another certificate without a restart", async () => {
  const certs = await start("certs");
  const has = async (name: string) =>
    (await tryPodman("exec", certs, "test", "-e", `/data/credentials/${name}/tls.crt`)).status === 0;
  await eventually(async () => (await Promise.all([...services.map(({ name }) => name), "operator"].map(has))).every(Boolean));

  const register = await start("register");
  await eventually(async () => (await podman("logs", register)).includes('"msg":"listening"'));
  await podman("exec", certs, "node", "cli/main.ts", "certs", "renew", "register");
  await eventually(async () => (await podman("logs", register)).includes('"msg":"the certificate was renewed"'));

  expect(await podman("logs", register)).toContain('"identity":"spiffe://bookmesh.local/register"');
}, 120_000);

test("a service sees its own credentials alone, may not change them, and finds them on no disk", async () => {
  const inRegister = (...command: string[]) => tryPodman("exec", `${prefix}-register`, ...command);

  expect((await inRegister("find", "/", "-xdev", "-name", "root.key")).stdout).toBe("");
  const keys = (await inRegister("find", "/", "-name", "tls.key", "-not", "-path", "/proc/*")).stdout.trim().split("\n");
  expect(keys.filter((path) => !path.startsWith("/etc/bookmesh/credentials/"))).toEqual([]);
  expect(keys).toContain("/etc/bookmesh/credentials/tls.key");
  expect((await inRegister("touch", "/etc/bookmesh/credentials/tls.key")).stderr).toContain("Read-only file system");
  expect((await inRegister("findmnt", "--noheadings", "--output", "FSTYPE", "/etc/bookmesh/credentials")).stdout.trim()).toBe(
    "tmpfs",
  );
}, 60_000);

test("the authority ends in time when it is asked to", async () => {
  const started = performance.now();
  await podman("stop", "--time", "20", `${prefix}-certs`);

  expect(performance.now() - started).toBeLessThan(10_000);
}, 60_000);
