import type { Credentials } from "../runtime/credentials.ts";
import { credentialsOf, meshData, startRegistry } from "./fixtures/start-registry.ts";
import { type KnownInstances, knownInstances } from "./known-instances.ts";
import { type Placement, placementsOf } from "./placement.ts";
import { services } from "./services.ts";

const push = placementsOf(services, {}).find(({ name }) => name === "push") as Placement;

let data: string;
let operator: Credentials;
beforeAll(async () => {
  data = await meshData();
  operator = await credentialsOf(data, "operator");
});
afterAll(() => operator.close());

/** Waits until the process is known, or is not. */
async function until(expected: boolean, known: KnownInstances): Promise<void> {
  while (known.includes(push) !== expected) await new Promise((resolve) => setTimeout(resolve, 5));
}

function at(port: number, inEndpoints: boolean) {
  return [{ name: "push", instances: [{ instance: { port }, inEndpoints }] }];
}

test("knows a process when every registry sends callers to its port", async () => {
  await using one = await startRegistry(data);
  await using other = await startRegistry(data);
  one.registry.show(at(50054, true));
  other.registry.show(at(50054, true));
  using known = knownInstances([one.address, other.address], operator);
  expect(known.includes(push)).toBe(false);

  await until(true, known);
  other.registry.show(at(50054, false));
  await until(false, known);
  other.registry.show(at(50054, true));
  await until(true, known);
  one.registry.show(at(50999, true));
  await until(false, known);
});

test("does not know anybody while a registry does not answer", async () => {
  const first = await startRegistry(data);
  first.registry.show(at(50054, true));
  using known = knownInstances([first.address], operator);
  await until(true, known);

  await first[Symbol.asyncDispose]();
  await until(false, known);

  await using second = await startRegistry(data, { port: first.port });
  second.registry.show(at(50054, true));
  await until(true, known);
});

test("knows everybody when there is no registry", () => {
  using known = knownInstances([], operator);

  expect(known.includes(push)).toBe(true);
});
