import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { MeshAuthority } from "./certs/mesh-authority.ts";
import { type Line, type Running, runUp, temporaryFolder } from "./fixtures/processes.ts";

const running: Running[] = [];
afterEach(async () => {
  for (const { kill } of running) kill("SIGTERM");
  await Promise.all(running.splice(0).map(({ status }) => status));
});

/** `bookmesh up` with the services "back" and, calling it, "front". */
function up(env: Record<string, string> = {}, data = temporaryFolder(), replicas: readonly string[] = []): Running {
  const mesh = runUp({ data, env, replicas });
  running.push(mesh);
  return mesh;
}

function says(text: string, name?: string) {
  return (line: Line) => line.msg?.startsWith(text) === true && (name === undefined || line.name === name);
}

const ready = says("ready in");

test("says where everything is when everything is ready", async () => {
  const mesh = up();
  const { grpc, durationMs } = await mesh.line(ready);
  const back = await mesh.line(says("listening", "back"));
  const front = await mesh.line(says("listening", "front"));

  expect(grpc).toEqual({ back: `127.0.0.1:${back.port}`, front: `127.0.0.1:${front.port}` });
  expect(durationMs).toBeGreaterThan(0);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "on %s stops callers before those they call, and exits with 0",
  async (signal) => {
    const mesh = up();
    await mesh.line(ready);

    mesh.kill(signal);

    expect(await mesh.status).toBe(0);
    expect(mesh.lines.filter(says("asked to stop")).map(({ name, timesAsked }) => [name, timesAsked])).toEqual([
      ["front", 1],
      ["back", 1],
    ]);
    expect(mesh.lines.at(-1)).toMatchObject({ name: "bookmesh", msg: "everything has stopped" });
  },
);

test("passes on what services write that is no log line", async () => {
  const mesh = up();

  await expect(mesh.line(says("a line that is not JSON"))).resolves.toBeDefined();
});

test("starts a service again that has ended by itself", async () => {
  const mesh = up();
  await mesh.line(ready);
  const first = await mesh.line(says("listening", "front"));

  process.kill(Number(first.pid), "SIGKILL");

  expect(await mesh.line(says("front ended by SIGKILL"))).toMatchObject({ name: "bookmesh" });
  const second = await mesh.line((line) => says("listening", "front")(line) && line.pid !== first.pid);
  expect(second.port).toBe(first.port);
});

test("stops everything with 64 when a service says that its settings are bad", async () => {
  const mesh = up({ FRONT_BAD_SETTINGS: "1" });

  expect(await mesh.status).toBe(64);
  expect(mesh.lines).toContainEqual(expect.objectContaining({ msg: "front cannot start: its settings are wrong" }));
  expect(mesh.stderr()).toContain("BAD_SETTINGS: is set");
});

test("exits with 1 when a service does not stop in order", async () => {
  const mesh = up({ FRONT_ON_STOP: "fail" });
  await mesh.line(ready);

  mesh.kill("SIGTERM");

  expect(await mesh.status).toBe(1);
});

test("leaves no service behind when it is killed", async () => {
  const mesh = up();
  await mesh.line(ready);
  const { port } = await mesh.line(says("listening", "front"));
  const connection = connect(Number(port), "127.0.0.1");
  await once(connection, "connect");

  mesh.kill("SIGKILL");

  // The connection closes with the process that holds it.
  await expect(
    once(
      connection.on("error", () => {}),
      "close",
    ),
  ).resolves.toBeDefined();
});

test("runs once in a folder", async () => {
  const data = temporaryFolder();
  const first = up({}, data);
  await first.line(ready);

  const second = up({}, data);

  expect(await second.status).toBe(69);
  expect(second.stderr()).toContain(`already running in ${data} (process ${first.pid})`);
});

test("names all ports that are taken, with their settings, and starts nothing", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  const alsoTaken = createServer().listen(0, "127.0.0.1");
  await Promise.all([once(taken, "listening"), once(alsoTaken, "listening")]);
  const [port, otherPort] = [taken, alsoTaken].map((server) => String((server.address() as AddressInfo).port)) as [
    string,
    string,
  ];

  const mesh = up({ BACK_PORT: port, FRONT_HTTP_PORT: otherPort });
  const status = await mesh.status;
  taken.close();
  alsoTaken.close();

  expect(status).toBe(69);
  expect(mesh.lines).toEqual([]);
  expect(mesh.stderr().trim().split("\n")).toEqual([
    `port ${port} is taken (back): stop what uses it or choose another with BACK_PORT`,
    `port ${otherPort} is taken (front): stop what uses it or choose another with FRONT_HTTP_PORT`,
  ]);
});

test("names all settings that are bad, and starts nothing", async () => {
  const mesh = up({ BACK_PORT: "high", FRONT_PORT: "70000" });

  expect(await mesh.status).toBe(64);
  expect(mesh.lines).toEqual([]);
  expect(mesh.stderr()).toContain("BACK_PORT: high is not a port");
  expect(mesh.stderr()).toContain("FRONT_PORT: 70000 is not a port");
});

test("runs several processes of a service on ports of their own, with one store", async () => {
  const mesh = up({}, temporaryFolder(), ["back=2", "front=1,back@v2=1"]);
  const { grpc } = await mesh.line(ready);
  const backs = mesh.lines.filter(says("listening", "back"));

  expect(Object.keys(grpc as object)).toEqual(["back", "back-2", "back-3", "front"]);
  expect(new Set(Object.values(grpc as object)).size).toBe(4);
  expect(backs.map(({ version }) => version).toSorted()).toEqual(["v2", undefined, undefined]);
  expect(new Set(backs.map(({ database }) => database)).size).toBe(1);
});

test("brings each process back within five seconds, however often it is killed", async () => {
  const mesh = up({}, temporaryFolder(), ["back=2"]);
  const { grpc } = await mesh.line(ready);
  const port = Number((grpc as Record<string, string>)["back-2"]?.split(":")[1]);
  const seen = new Set<unknown>();
  const durations: number[] = [];
  for (let kills = 0; kills < 4; kills++) {
    const isUp = (line: Line) => says("listening", "back")(line) && line.port === port && !seen.has(line.pid);
    const { pid } = await mesh.line(isUp);
    seen.add(pid);
    const killedAt = performance.now();
    process.kill(Number(pid), "SIGKILL");
    await mesh.line(isUp);
    durations.push(performance.now() - killedAt);
  }

  expect(Math.max(...durations)).toBeLessThan(5_000);
  expect(mesh.lines.filter(says("back-2 ended by SIGKILL"))).toHaveLength(4);
}, 30_000);

test("is ready when the registries know every process, and says where they are while it runs", async () => {
  const data = temporaryFolder();
  const mesh = up({ WITH_REGISTRY: "1" }, data, ["registry=2,back=2"]);
  const { grpc, dashboard } = await mesh.line(ready);
  const { registry, "registry-2": second } = grpc as Record<string, string>;

  expect(JSON.parse(readFileSync(join(data, "mesh.json"), "utf8"))).toEqual({ registries: [registry, second] });
  expect(dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);

  mesh.kill("SIGTERM");
  expect(await mesh.status).toBe(0);
  const stopped = mesh.lines.filter(says("asked to stop")).map(({ name }) => name);
  expect(stopped.slice(-2).toSorted()).toEqual(["registry", "registry"]);
  expect(() => readFileSync(join(data, "mesh.json"))).toThrow("ENOENT");
});

test("takes away what an earlier mesh that was killed has said", async () => {
  const data = temporaryFolder();
  const first = up({ WITH_REGISTRY: "1" }, data);
  await first.line(ready);
  first.kill("SIGKILL");
  await first.status;

  const second = up({}, data);
  await second.line(ready);

  expect(() => readFileSync(join(data, "mesh.json"))).toThrow("ENOENT");
});

test("gives every service a certificate before it starts, and keeps it from one start to the next", async () => {
  const data = temporaryFolder();
  const first = up({}, data, ["back=2"]);
  await first.line(ready);

  expect(first.lines.slice(0, 2)).toEqual([
    expect.objectContaining({ msg: "made a root certificate", root: 1 }),
    expect.objectContaining({ msg: "issued certificates to back, front, operator" }),
  ]);
  const subjects = first.lines.filter(says("listening")).map(({ name, subject }) => [name, subject]);
  expect(subjects.toSorted()).toEqual([
    ["back", "CN=back"],
    ["back", "CN=back"],
    ["front", "CN=front"],
  ]);
  expect(first.stderr()).not.toContain("PRIVATE KEY");
  first.kill("SIGTERM");
  await first.status;

  const second = up({}, data);
  await second.line(ready);
  expect(second.lines.filter(says("issued"))).toEqual([]);
});

test("issues no certificate to a service that has its own", async () => {
  const credentials = join(temporaryFolder(), "mine");
  await new MeshAuthority(temporaryFolder()).tend({ issue: [{ name: "front", folder: credentials }] });

  const mesh = up({ FRONT_CREDENTIALS_DIR: credentials });

  expect(await mesh.line(says("listening", "front"))).toMatchObject({ credentials });
  expect(mesh.lines.find(says("issued"))?.msg).toBe("issued certificates to back, operator");
});

test("starts nothing with an authority that is damaged", async () => {
  const data = temporaryFolder();
  await new MeshAuthority(data).tend();
  writeFileSync(join(data, "authority", "1", "root.key"), "nonsense");

  const mesh = up({}, data);

  expect(await mesh.status).toBe(74);
  expect(mesh.lines).toEqual([]);
  expect(mesh.stderr()).toContain(`${join(data, "authority", "1", "root.key")} is damaged: put it back from a backup`);
});

test("names everything that is wrong with --replicas, and starts nothing", async () => {
  const mesh = up({}, temporaryFolder(), ["back=0,side=2"]);

  expect(await mesh.status).toBe(64);
  expect(mesh.lines).toEqual([]);
  expect(mesh.stderr()).toBe(
    'bad --replicas\n  back=0: expected a number from 1 to 20, not "0"\n  side=2: there is no service side, only back, front\n',
  );
});
