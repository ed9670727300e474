import { addressOfPeer, canonicalAddress, isWildcard } from "./address.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:DB8:0:0::1", "2001:db8::1"],
  ["::1", "::1"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["::FFFF:0102:0304", "1.2.3.4"],
  ["::ffff:255.255.255.255", "255.255.255.255"],
  ["::ffff:0:0", "0.0.0.0"],
  ["0:0:0:0:0:0:0:0", "::"],
  // Not mapped: a network of its own.
  ["::ffff:0:1.2.3.4", "::ffff:0:102:304"],
])("%s is %s", (text, address) => {
  expect(canonicalAddress(text)).toBe(address);
});

test.each([
  "",
  "localhost",
  "orders.example.com",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.256",
  "0x7f000001",
  "2130706433",
  "[::1]",
  "::1::",
  "fe80::1%eth0",
  "1.2.3.4:80",
  " 1.2.3.4",
  "::1\n",
])("%j is no IP address that all understand", (text) => {
  expect(canonicalAddress(text)).toBeUndefined();
});

test.each([
  ["192.0.2.1:5000", "192.0.2.1"],
  ["::ffff:192.0.2.1:5000", "192.0.2.1"],
  ["[2001:db8::1]:5000", "2001:db8::1"],
  ["2001:db8::1:5000", "2001:db8::1"],
  ["::1:5000", "::1"],
])("the peer %s has the address %s", (peer, address) => {
  expect(addressOfPeer(peer)).toBe(address);
});

test.each(["unknown", "", "unix:/run/registry", "fe80::1%eth0:5000", "localhost:5000"])("the peer %j has none", (peer) => {
  expect(addressOfPeer(peer)).toBeUndefined();
});

test("an address that means all addresses is known in each of its forms", () => {
  expect(["0.0.0.0", "::", "0::0", "::ffff:0.0.0.0"].map((text) => isWildcard(canonicalAddress(text) ?? ""))).toEqual(
    Array(4).fill(true),
  );
  expect(isWildcard("127.0.0.1")).toBe(false);
});
