import { hostAndPort } from "./host-port.ts";

test("IPv6 stands in brackets in front of a port", () => {
  expect(hostAndPort("192.0.2.1", 80)).toBe("192.0.2.1:80");
  expect(hostAndPort("localhost", 80)).toBe("localhost:80");
  expect(hostAndPort("::1", 80)).toBe("[::1]:80");
});
