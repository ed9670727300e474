import { X509Certificate } from "node:crypto";
import { TestAuthority } from "../test/support/test-authority.ts";
import { identityOf, parseSpiffeId, spiffeId } from "./spiffe.ts";

const ORDERS = { trustDomain: "bookmesh.local", name: "orders" };

test("an identity and its SPIFFE id stand for each other", () => {
  expect(spiffeId(ORDERS)).toBe("spiffe://bookmesh.local/orders");
  expect(parseSpiffeId("spiffe://bookmesh.local/orders")).toEqual(ORDERS);
});

test.each([
  ["orders"],
  ["https://bookmesh.local/orders"],
  ["SPIFFE://bookmesh.local/orders"],
  ["spiffe://bookmesh.local"],
  ["spiffe://bookmesh.local/"],
  ["spiffe:///orders"],
  ["spiffe://Bookmesh.local/orders"],
  ["spiffe://user@bookmesh.local/orders"],
  ["spiffe://bookmesh.local:443/orders"],
  ["spiffe://bookmesh.local/shop/orders"],
  ["spiffe://bookmesh.local/orders/"],
  ["spiffe://bookmesh.local/Orders"],
  ["spiffe://bookmesh.local/1orders"],
  ["spiffe://bookmesh.local/*"],
  ["spiffe://bookmesh.local/.."],
  ["spiffe://bookmesh.local/orders?x"],
  ["spiffe://bookmesh.local/orders#x"],
  ["spiffe://bookmesh.local/orders\n"],
  [" spiffe://bookmesh.local/orders"],
  [`spiffe://bookmesh.local/${"o".repeat(64)}`],
  [`spiffe://${"b".repeat(256)}/orders`],
])("%j is the id of nobody", (id) => {
  expect(parseSpiffeId(id)).toBeUndefined();
});

describe("in a certificate", () => {
  let authority: TestAuthority;
  beforeAll(async () => {
    authority = await TestAuthority.create();
  });
  afterAll(() => authority[Symbol.asyncDispose]());

  const certificateWith = async (names: Parameters<TestAuthority["issue"]>[1]) =>
    new X509Certificate((await authority.issue("orders", names)).certificatePem);

  test("an identity stands among the other names", async () => {
    expect(identityOf(await certificateWith({}))).toEqual(ORDERS);
  });

  test.each([
    ["no names", { uris: [], dnsNames: [], ipAddresses: [] }],
    ["no URI", { uris: [] }],
    ["another URI", { uris: ["https://bookmesh.local/orders"] }],
    ["two identities", { uris: ["spiffe://bookmesh.local/orders", "spiffe://bookmesh.local/push"] }],
    ["the same identity twice", { uris: ["spiffe://bookmesh.local/orders", "spiffe://bookmesh.local/orders"] }],
    ["an identity and another URI", { uris: ["spiffe://bookmesh.local/orders", "https://bookmesh.local/"] }],
    ["an identity within the name of a host", { uris: [], dnsNames: ["a, URI:spiffe://bookmesh.local/orders"] }],
    ["an identity within another URI", { uris: ["https://a/, URI:spiffe://bookmesh.local/orders"] }],
    ["a name that ends too early", { uris: ["spiffe://bookmesh.local/orders\0"] }],
  ])("%s are nobody's", async (_what, names) => {
    expect(identityOf(await certificateWith(names))).toBeUndefined();
  });

  test("what looks like a second identity within another name is none", async () => {
    expect(identityOf(await certificateWith({ dnsNames: ["a, URI:spiffe://bookmesh.local/push"] }))).toEqual(ORDERS);
  });
});
