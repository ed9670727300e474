import { startRegistry } from "./fixtures/start-registry.ts";
import { knownInstances } from "./known-instances.ts";
import { type Placement, placementsOf } from "./placement.ts";
import { services } from "./services.ts";

const push = placementsOf(services, {}).find(({ name }) => name === "push") as Placement;
const signal = new AbortController().signal;

/** What the next look finds: one look serves everybody for a moment. */
async function lookUntil(expected: boolean, look: () => Promise<boolean>): Promise<void> {
  while ((await look()) !== expected) await new Promise(setImmediate);
}

test("knows a process when every registry sends callers to its port", async () => {
  await using one = await startRegistry();
  await using other = await startRegistry();
  using known = knownInstances([one.address, other.address]);
  const look = () => known.includes(push)(signal);
  const at = (port: number, inEndpoints: boolean) => [{ name: "push", instances: [{ instance: { port }, inEndpoints }] }];

  await lookUntil(false, look);
  one.registry.show(at(50054, true));
  await lookUntil(false, look);
  other.registry.show(at(50054, true));
  await lookUntil(true, look);
  other.registry.show(at(50054, false));
  await lookUntil(false, look);
  other.registry.show(at(50999, true));
  await lookUntil(false, look);
});

test("does not know anybody while a registry does not answer", async () => {
  const { address, ...gone } = await startRegistry();
  await gone[Symbol.asyncDispose]();
  using known = knownInstances([address]);

  expect(await known.includes(push)(signal)).toBe(false);
});

test("knows everybody when there is no registry, and registries always", async () => {
  await using one = await startRegistry();
  using none = knownInstances([]);
  using known = knownInstances([one.address]);
  const registry = { ...push, service: { ...push.service, name: "registry" } };

  expect(await none.includes(push)(signal)).toBe(true);
  expect(await known.includes(registry)(signal)).toBe(true);
});

test("gives up when it is told to", async () => {
  await using one = await startRegistry();
  using known = knownInstances([one.address]);

  await expect(known.includes(push)(AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
});
