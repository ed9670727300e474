import { X509Certificate } from "node:crypto";
import { jest } from "@jest/globals";
import { TestAuthority } from "../test/support/test-authority.ts";
import { TrustedConnections } from "./trusted-connections.ts";

let old: TestAuthority;
let next: TestAuthority;
beforeAll(async () => {
  [old, next] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  jest.useFakeTimers();
});
afterAll(async () => {
  jest.useRealTimers();
  await Promise.all([old[Symbol.asyncDispose](), next[Symbol.asyncDispose]()]);
});

test("a connection whose root has gone takes no more calls, and ends five seconds later", async () => {
  const connections = new TrustedConnections();
  const [of, by] = [await connection(old), await connection(next)];
  connections.add(of);
  connections.add(by);

  connections.retain([rootOf(old), rootOf(next)]);
  expect([of.said, by.said]).toEqual([[], []]);

  connections.retain([rootOf(next)]);
  expect([of.said, by.said]).toEqual([["close"], []]);
  jest.advanceTimersByTime(5_000);
  expect([of.said, by.said]).toEqual([["close", "destroy"], []]);
});

test("a connection that has ended is forgotten", async () => {
  const connections = new TrustedConnections();
  const one = await connection(old);

  connections.add(one)();
  connections.retain([rootOf(next)]);

  expect(one.said).toEqual([]);
});

async function connection(authority: TestAuthority) {
  const said: string[] = [];
  const certificate = new X509Certificate((await authority.issue("orders")).certificatePem);
  return { certificate, said, close: () => void said.push("close"), destroy: () => void said.push("destroy") };
}

function rootOf({ root }: TestAuthority): X509Certificate {
  return new X509Certificate(root.certificatePem);
}
