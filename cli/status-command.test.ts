import { services, told } from "./fixtures/mesh.ts";
import { meshData, startRegistry } from "./fixtures/start-registry.ts";
import { testSurroundings } from "./fixtures/surroundings.ts";
import { type StatusOptions, status } from "./status-command.ts";
import { onlyService, statusDocument } from "./status-document.ts";

let data: string;
let it: Awaited<ReturnType<typeof startRegistry>>;
beforeAll(async () => {
  data = await meshData();
});
beforeEach(async () => {
  it = await startRegistry(data);
  it.registry.show(services);
  it.registry.connect(told.clients);
});
afterEach(() => it[Symbol.asyncDispose]());

function start(service?: string, options: Partial<StatusOptions> = {}, around: Parameters<typeof testSurroundings>[0] = {}) {
  const test = testSurroundings(around);
  return { ...test, status: status(service, { registry: [it.address], data, ...options }, test.surroundings) };
}

/** What comes over the wire is what was sent, but for when the registry began. */
function expected(of: string | undefined) {
  const all = statusDocument({ ...told, services: it.registry.services }, it.address);
  const document = of === undefined ? all : onlyService(all, of);
  return { ...document, registry: { ...document.registry, startTime: expect.any(String) } };
}

/** Waits until a text that grows is as asked. */
async function until(text: () => string, matches: RegExp): Promise<string> {
  while (!matches.test(text())) await new Promise((resolve) => setTimeout(resolve, 5));
  return text();
}

test("shows people a table without colours where there is no terminal", async () => {
  const run = start();

  expect(await run.status).toBe(0);
  expect(run.stdout()).toMatch(/^Registry registry at .*\n\nREFUSED by python-1/);
  expect(run.stdout()).toMatch(/^recommendations {2}recommendations-a /m);
  expect(run.stdout()).not.toContain("\u001b");
  expect(run.stderr()).toBe("");
});

test.each([
  [{}, true],
  [{ NO_COLOR: "1" }, false],
])("shows colours on a terminal with %j: %s", async (env, colours) => {
  const run = start(undefined, {}, { isTTY: true, env });

  await run.status;
  expect(run.stdout().includes("\u001b[31m")).toBe(colours);
});

test.each([undefined, "recommendations"])("prints one JSON document of %s", async (service) => {
  const run = start(service, { json: true });

  expect(await run.status).toBe(0);
  expect(JSON.parse(run.stdout())).toEqual(expected(service));
});

test("says which services there are when one has never registered", async () => {
  const run = start("recomendations");

  expect(await run.status).toBe(65);
  expect(run.stdout()).toBe("");
  expect(run.stderr()).toBe(
    "no instance of recomendations has ever registered; there are: marketplace, orders, recommendations\n",
  );
});

test("ends with 69 and a sentence when no registry answers", async () => {
  await it[Symbol.asyncDispose]();

  for (const options of [{}, { json: true }, { watch: true }]) {
    const run = start(undefined, options);
    expect(await run.status).toBe(69);
    expect(run.stdout()).toBe("");
    expect(run.stderr()).toContain(`no registry answers at ${it.address}: is the shop running?`);
  }
});

test("ends with 64 when the environment says nothing that can be used", async () => {
  const run = testSurroundings({ env: { REGISTRIES: "nonsense" } });

  expect(await status(undefined, { data }, run.surroundings)).toBe(64);
  expect(run.stderr()).toContain("REGISTRIES: expected host:port");
});

test("watches: one JSON document a line, after every change, until it is told to stop", async () => {
  const run = start(undefined, { json: true, watch: true });
  await until(run.stdout, /\n/);
  it.registry.show(services.slice(0, 1));
  const text = await until(run.stdout, /\n.*\n/);
  run.stop();

  expect(await run.status).toBe(0);
  const documents = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(documents.map((document) => document.services.length)).toEqual([3, 1]);
  expect(documents[1]).toEqual(expected(undefined));
});

test("watches on a terminal: draws in place, cut to the window, and leaves the terminal as it was", async () => {
  const run = start(undefined, { watch: true }, { isTTY: true, rows: 8 });
  const text = await until(run.stdout, /more lines/);
  run.stop();
  await run.status;

  const [drawn = ""] = text.split("\u001b[J");
  expect(drawn.startsWith("\u001b[?7l\u001b[H")).toBe(true);
  expect(drawn.split("\n")).toHaveLength(8);
  expect(run.stdout().endsWith("\u001b[?7h")).toBe(true);
});

test("watches: waits for a registry that has gone, and goes on when it is back", async () => {
  const run = start(undefined, { json: true, watch: true });
  await until(run.stdout, /\n/);
  await it[Symbol.asyncDispose]();
  await until(run.stderr, /no registry answers/);

  it = await startRegistry(data, { id: "again", port: it.port });
  await until(run.stdout, /"id":"again"/);
  run.stop();

  expect(await run.status).toBe(0);
  expect(run.stderr().match(/no registry answers/g)).toHaveLength(1);
});

test("watches: goes to another registry when one is gone", async () => {
  await using other = await startRegistry(data, { id: "other" });
  const run = start(undefined, { json: true, watch: true, registry: [it.address, other.address] });
  await until(run.stdout, /"id":"registry"/);
  await it[Symbol.asyncDispose]();

  await until(run.stdout, /"id":"other"/);
  run.stop();
  expect(await run.status).toBe(0);
  expect(run.stderr()).toBe("");
});
