import type { DiscoveryRequest as DiscoveryRequestMessage } from "@grpc/grpc-js-xds/build/src/generated/envoy/service/discovery/v3/DiscoveryRequest.js";
import { encode } from "./protos.ts";
import { decodeRequest } from "./request.ts";

const NAME = "envoy.service.discovery.v3.DiscoveryRequest";
const names = Array.from({ length: 1_000 }, (_, i) => `service-${i}`);

test.each<[string, DiscoveryRequestMessage]>([
  ["no names", { type_url: "a", response_nonce: "1" }],
  ["one name", { type_url: "a", resource_names: ["x"], version_info: "2", response_nonce: "2" }],
  ["an empty name", { type_url: "a", resource_names: [""] }],
  ["many names", { node: { id: "n", cluster: "c" }, resource_names: names, type_url: "a", response_nonce: "3" }],
  ["a long name", { resource_names: ["ü".repeat(20_000)] }],
  ["a refusal", { resource_names: names, error_detail: { code: 3, message: "no" } }],
  ["more names than are remembered", { resource_names: Array.from({ length: 9_000 }, (_, i) => `${i}-${"x".repeat(40)}`) }],
])("reads a request with %s", (_what, request) => {
  const read = decodeRequest(encode(NAME, request));

  expect(read.resource_names).toEqual(request.resource_names ?? []);
  expect(read.type_url).toBe(request.type_url ?? "");
  expect(read.response_nonce).toBe(request.response_nonce ?? "");
  expect(read.node?.id).toBe(request.node?.id);
  expect(read.error_detail?.message).toBe(request.error_detail?.message);
});

test("reads names that stand apart in the order in which they come", () => {
  const parts = [
    encode(NAME, { resource_names: ["a"] }),
    encode(NAME, { type_url: "t", resource_names: [] }),
    encode(NAME, { resource_names: ["b"] }),
  ];

  expect(decodeRequest(Buffer.concat(parts))).toMatchObject({ resource_names: ["a", "b"], type_url: "t" });
});

test("gives the same list for the same names", () => {
  const [first, second] = ["1", "2"].map((response_nonce) =>
    decodeRequest(encode(NAME, { resource_names: names, response_nonce })),
  );

  expect(second?.resource_names).toBe(first?.resource_names);
});

test.each([
  ["a length without an end", Buffer.from([0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ["a cut length", Buffer.from([0x1a])],
  ["no protobuf", Buffer.from("hello")],
])("refuses %s", (_what, bytes) => {
  expect(() => decodeRequest(bytes)).toThrow();
});

test.each([
  ["version_info", Buffer.from([0x0a, 1, 0xff])],
  ["node.id", Buffer.from([0x12, 3, 0x0a, 1, 0xff])],
  ["resource_names[1]", Buffer.from([0x1a, 1, 0x61, 0x1a, 1, 0xff])],
  ["resource_names[0]", Buffer.from([0x1a, 1, 0xff, 0x22, 1, 0x61, 0x1a, 1, 0x61])],
  ["resource_names[1]", Buffer.from([0x1a, 1, 0x61, 0x22, 1, 0x61, 0x1a, 1, 0xff])],
  ["error_detail.message", Buffer.from([0x32, 3, 0x12, 1, 0xff])],
])("refuses text that is no UTF-8 in %s, each time", (field, bytes) => {
  for (let i = 0; i < 2; i++) expect(() => decodeRequest(bytes)).toThrow(`${field} must be UTF-8`);
});
