import { Instance as InstanceMessage, Protocol } from "../../gen/mesh/registry/v1/instance.ts";
import { instanceOf } from "./instance.ts";

const PEER = "192.0.2.9:5000";

function parse(fields: Parameters<typeof InstanceMessage.fromPartial>[0], peer = PEER) {
  return instanceOf(InstanceMessage.fromPartial({ service: "orders", port: 8080, ...fields }), peer);
}

test("what is left out is filled in", () => {
  expect(parse({})).toEqual({
    id: "orders@192.0.2.9:8080",
    service: "orders",
    address: "192.0.2.9",
    port: 8080,
    protocol: "grpc",
    version: "",
    zone: "",
    weight: 1,
    metadata: new Map(),
    grpcServices: [],
    healthCheckPath: "/health",
  });
});

test("what is said is kept", () => {
  const said = {
    ...{ id: "orders-1", address: "2001:DB8::0:1", version: "v2", zone: "b", weight: 7, healthCheckPath: "/up" },
    protocol: Protocol.PROTOCOL_HTTP,
    metadata: new Map([["owner", "ada"]]),
    grpcServices: ["bookstore.push.v1.PushService", "bookmesh.testing.v1.EchoService", "bookstore.push.v1.PushService"],
  };

  expect(parse(said)).toEqual({
    ...{ id: "orders-1", service: "orders", address: "2001:db8::1", port: 8080, protocol: "http", version: "v2", zone: "b" },
    ...{ weight: 7, healthCheckPath: "/up", metadata: new Map([["owner", "ada"]]) },
    grpcServices: ["bookmesh.testing.v1.EchoService", "bookstore.push.v1.PushService"],
  });
});

test("an IPv6 address stands in brackets in the id", () => {
  expect(parse({ address: "::1" }).id).toBe("orders@[::1]:8080");
});

test("a name of 63 characters and the longest address make an id that is not too long", () => {
  const address = "2001:db8:1111:2222:3333:4444:5555:6666";

  expect(parse({ service: "a".repeat(63), address, port: 65_535 }).id.length).toBeLessThanOrEqual(128);
});

test.each([
  ["0.0.0.0", "that others can call"],
  ["::", "that others can call"],
  ["::ffff:0.0.0.0", "that others can call"],
  ["localhost", "must be an IP address"],
  ["fe80::1%lo", "without a zone"],
])("the address %s is refused", (address, description) => {
  expect(() => parse({ address })).toThrow(
    expect.objectContaining({
      kind: "invalid",
      violations: [{ field: "instance.address", description: expect.stringContaining(description) }],
    }),
  );
});

test("who calls over a Unix socket has to say its address", () => {
  expect(() => parse({}, "unknown")).toThrow("instance.address is required");
});
