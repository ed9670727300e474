import { createLogger } from "../../runtime/logger.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { Announcer } from "./announcer.ts";
import type { RoutedService } from "./routing.ts";
import { RecordingDataPlane } from "./testing.ts";

function newAnnouncer(dataPlane = new RecordingDataPlane()) {
  const services = new Map<string, number[]>();
  const logs = new LogLines();
  const announcer = new Announcer({
    routed: (name): RoutedService | undefined => {
      const ports = services.get(name);
      const endpoints = ports?.map((port) => ({ address: "192.0.2.1", port, version: "", zone: "", weight: 1 }));
      if (endpoints === undefined) return undefined;
      return { name, endpoints, grpcServices: [], split: [], fault: undefined, balancing: { policy: "round-robin" } };
    },
    ...{ dataPlane, settleMs: 10, logger: createLogger({ name: "test", level: "info", destination: logs }) },
  });
  return { announcer, dataPlane, services, logs };
}

test("many changes at once are one update", async () => {
  const { announcer, dataPlane, services } = newAnnouncer();
  for (let port = 1; port <= 100; port++) {
    services.set("orders", [port]);
    announcer.changed("orders");
  }

  await dataPlane.untilPorts("orders", 100);

  expect(dataPlane.updates).toHaveLength(1);
});

test("what is nothing new to clients is not told them", () => {
  const { announcer, dataPlane, services } = newAnnouncer();
  services.set("orders", [1]);
  announcer.changed("orders");
  announcer.flush();
  services.set("orders", [1]);
  announcer.changed("orders");
  announcer.changed("unknown");
  announcer.flush();

  expect(dataPlane.updates).toHaveLength(1);
});

test("what has changed is told before anybody waits for clients to know it", async () => {
  const { announcer, dataPlane, services } = newAnnouncer();
  services.set("orders", [1]);
  announcer.changed("orders");

  await announcer.settled("orders");

  expect(dataPlane.updates).toHaveLength(1);
});

test("a service of which clients cannot be told does not keep the others from it, and is tried again", () => {
  const dataPlane = new RecordingDataPlane();
  const { announcer, services, logs } = newAnnouncer(dataPlane);
  const update = dataPlane.update.bind(dataPlane);
  dataPlane.update = (service) => {
    if (service.name === "broken") throw new Error("no contract");
    update(service);
  };
  for (const name of ["broken", "orders"]) {
    services.set(name, [1]);
    announcer.changed(name);
  }
  announcer.flush();
  expect(dataPlane.last("orders")).toBeDefined();
  expect(logs.with({ msg: "cannot tell the clients of a change" })).toHaveLength(1);

  dataPlane.update = update;
  announcer.changed("broken");
  announcer.flush();
  expect(dataPlane.last("broken")).toBeDefined();
});
