import { registryAddresses } from "./registry-addresses.ts";

test("has addresses as they are, once each", async () => {
  expect(await registryAddresses(["127.0.0.1:1", "[::1]:2", "127.0.0.1:1"])).toEqual(["127.0.0.1:1", "[::1]:2"]);
});

test("has the addresses of one family for a name", async () => {
  expect(await registryAddresses(["localhost:50050"])).toEqual(["127.0.0.1:50050"]);
});

test("has none for a name that cannot be resolved", async () => {
  expect(await registryAddresses(["registry.invalid:50050", "127.0.0.1:1"])).toEqual(["127.0.0.1:1"]);
});
