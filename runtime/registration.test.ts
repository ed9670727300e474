import { ServerError, Status } from "nice-grpc";
import { Instance } from "../gen/mesh/registry/v1/instance.ts";
import {
  type HoldLeaseRequest,
  HoldLeaseResponse,
  LoadReport,
  RegistryServiceDefinition,
  type RegistryServiceImplementation,
} from "../gen/mesh/registry/v1/registry_service.ts";
import { LogLines } from "../test/support/log-lines.ts";
import { plaintext } from "../test/support/plaintext.ts";
import { startService } from "../test/support/service.ts";
import { createLogger } from "./logger.ts";
import { Registration } from "./registration.ts";

const instance = Instance.fromPartial({ id: "push-1", service: "push", address: "127.0.0.1", port: 50_054 });

test("registers, and says so once", async () => {
  await using registry = await fakeRegistry();
  using it = register(registry.address);

  await it.logs.find({ msg: "registered" });

  expect(await registry.next()).toMatchObject({ event: { $case: "instance", value: { id: "push-1", port: 50_054 } } });
  expect(it.logs.with({ msg: "registered" })).toMatchObject([{ registry: registry.address, instance: "push-1" }]);
});

test("passes on what was served", async () => {
  await using registry = await fakeRegistry();
  using it = register(registry.address);
  await it.logs.find({ msg: "registered" });
  await registry.next();

  it.registration.report(LoadReport.fromPartial({ callsInFlight: 7 }));

  expect(await registry.next()).toMatchObject({ event: { $case: "load", value: { callsInFlight: 7 } } });
});

test("waits with a stop until the registry has taken it out", async () => {
  const told = Promise.withResolvers<void>();
  await using registry = await fakeRegistry({ beforeDrained: () => told.promise });
  using it = register(registry.address);
  await it.logs.find({ msg: "registered" });
  let drained = false;

  const draining = it.registration.drain().then(() => {
    drained = true;
  });
  await registry.next();
  expect(await registry.next()).toMatchObject({ event: { $case: "drain" } });
  expect(drained).toBe(false);
  told.resolve();

  await draining;
});

test("waits with a stop likewise after the registry was gone for a while", async () => {
  const before = await fakeRegistry();
  using it = register(before.address);
  await it.logs.find({ msg: "registered" });
  await before[Symbol.asyncDispose]();
  const told = Promise.withResolvers<void>();
  await using registry = await fakeRegistry({ port: before.port, beforeDrained: () => told.promise });
  await registry.next();
  while (!it.registration.registered) await new Promise(setImmediate);
  let drained = false;

  const draining = it.registration.drain().then(() => {
    drained = true;
  });
  expect(await registry.next()).toMatchObject({ event: { $case: "drain" } });
  expect(drained).toBe(false);
  told.resolve();

  await draining;
});

test("leaves again when it is to stop while it is being registered", async () => {
  await using registry = await fakeRegistry();
  using it = register(registry.address);

  await it.registration.drain();

  expect(await registry.next()).toMatchObject({ event: { $case: "instance" } });
  expect(await registry.next()).toMatchObject({ event: { $case: "drain" } });
  expect(it.registration.registered).toBe(false);
});

test("knows how often the registry wants to hear of it", async () => {
  await using registry = await fakeRegistry();
  using it = register(registry.address);
  expect(it.registration.reportIntervalMs).toBeUndefined();

  await it.logs.find({ msg: "registered" });

  expect(it.registration.reportIntervalMs).toBe(333);
});

test("does not hold up a stop where the registry is gone", async () => {
  using it = register("127.0.0.1:1");

  await it.registration.drain();
});

test("does not hold up a stop when the registry goes during it", async () => {
  const registry = await fakeRegistry({ beforeDrained: () => new Promise(() => {}) });
  using it = register(registry.address);
  await it.logs.find({ msg: "registered" });
  const draining = it.registration.drain();

  await registry[Symbol.asyncDispose]();

  await draining;
});

test("registers again when the registry is back, and complains once of each time that it was gone", async () => {
  const registry = await fakeRegistry();
  using it = register(registry.address);
  await it.logs.find({ msg: "registered" });
  await registry[Symbol.asyncDispose]();
  await it.logs.find({ msg: "not registered: the registry is tried again" });

  await using again = await fakeRegistry({ port: registry.port });

  expect(await again.next()).toMatchObject({ event: { $case: "instance", value: { id: "push-1" } } });
  expect(it.logs.with({ msg: "not registered: the registry is tried again" })).toHaveLength(1);
});

test("says why the registry does not take it", async () => {
  await using registry = await fakeRegistry({
    refuse: new ServerError(Status.PERMISSION_DENIED, "push may not register as orders"),
  });
  using it = register(registry.address);

  const line = await it.logs.find({ msg: "not registered: the registry is tried again" });

  expect(line.reason).toBe("PERMISSION_DENIED: push may not register as orders");
});

const { holdLease } = RegistryServiceDefinition.methods;
const leasesOnly = { ...RegistryServiceDefinition, methods: { holdLease } } as const;

function register(registry: string) {
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const registration = new Registration({ registry, credentials: plaintext(), instance, logger });
  return { registration, logs, [Symbol.dispose]: () => registration.close() };
}

/** A registry that only holds leases, and shows what it was sent. */
async function fakeRegistry(options: { port?: number; refuse?: Error; beforeDrained?: () => Promise<void> } = {}) {
  const received: HoldLeaseRequest[] = [];
  const waiting: ((request: HoldLeaseRequest) => void)[] = [];
  const implementation: Pick<RegistryServiceImplementation, "holdLease"> = {
    async *holdLease(requests) {
      for await (const request of requests) {
        const waiter = waiting.shift();
        if (waiter === undefined) received.push(request);
        else waiter(request);
        if (options.refuse !== undefined) throw options.refuse;
        if (request.event?.$case === "instance") {
          const registered = { instanceId: request.event.value.id, reportInterval: { nanos: 333_000_000 } };
          yield HoldLeaseResponse.fromPartial({ event: { $case: "registered", value: registered } });
        }
        if (request.event?.$case === "drain") {
          await options.beforeDrained?.();
          yield HoldLeaseResponse.fromPartial({ event: { $case: "drained", value: {} } });
        }
      }
    },
  };
  const service = await startService({
    port: options.port ?? 0,
    add: (server) => server.add(leasesOnly, implementation),
    client: () => undefined,
  });
  return {
    port: service.port,
    address: service.address,
    /** What was sent next. */
    async next(): Promise<HoldLeaseRequest> {
      return received.shift() ?? new Promise((resolve) => waiting.push(resolve));
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}
