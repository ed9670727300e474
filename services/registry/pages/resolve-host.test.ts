import { jest } from "@jest/globals";
import { hostResolver } from "./resolve-host.ts";

const failing = (code: string) => hostResolver(() => Promise.reject(Object.assign(new Error(`getaddrinfo ${code} x`), { code })));

test("finds the IPv4 address of this machine", async () => {
  expect(await hostResolver()("localhost")).toBe("127.0.0.1");
});

test.each(["ENOTFOUND", "ENODATA"])("says that there is no such host on %s", async (code) => {
  await expect(failing(code)("x")).rejects.toMatchObject({ kind: "invalid", message: "no such host" });
});

test.each(["EAI_AGAIN", "ETIMEOUT"])("says that nobody can tell now on %s", async (code) => {
  await expect(failing(code)("x")).rejects.toMatchObject({ kind: "unavailable", retryAfterMs: 1_000 });
});

test("gives up after three seconds", async () => {
  jest.useFakeTimers();
  try {
    const found = expect(hostResolver(() => new Promise(() => {}))("x")).rejects.toMatchObject({ kind: "unavailable" });
    await jest.advanceTimersByTimeAsync(3_000);
    await found;
  } finally {
    jest.useRealTimers();
  }
});

test("looks up sixteen names at a time, and turns others away until one is done", async () => {
  const lookups: PromiseWithResolvers<{ address: string }>[] = [];
  const resolve = hostResolver(() => {
    const lookup = Promise.withResolvers<{ address: string }>();
    lookups.push(lookup);
    return lookup.promise;
  });
  const waiting = Array.from({ length: 16 }, () => resolve("x"));

  await expect(resolve("y")).rejects.toMatchObject({ kind: "unavailable" });
  lookups[0]?.resolve({ address: "192.0.2.1" });
  expect(await waiting[0]).toBe("192.0.2.1");
  const next = resolve("y");
  for (const lookup of lookups) lookup.resolve({ address: "192.0.2.2" });

  expect(await next).toBe("192.0.2.2");
  await Promise.all(waiting);
});
