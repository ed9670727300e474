import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readyz, untilReady } from "./readiness.ts";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A service that answers 503 until it is made ready. */
async function serviceThatStarts() {
  let status = 503;
  let asked = () => {};
  const askedOnce = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const server = createServer((_request, response) => {
    response.writeHead(status).end();
    asked();
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return {
    probe: readyz(`http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`),
    askedOnce,
    getReady: () => {
      status = 200;
    },
  };
}

test("waits until the last service is ready, and names those that are slow", async () => {
  const quick = await serviceThatStarts();
  const slow = await serviceThatStarts();
  quick.getReady();
  const probes = new Map([
    ["quick", quick.probe],
    ["slow", slow.probe],
  ]);

  const late = Promise.withResolvers<readonly string[]>();
  const ready = untilReady({ probes, slowAfterMs: 300, onSlow: late.resolve, signal: new AbortController().signal });

  expect(await late.promise).toEqual(["slow"]);
  slow.getReady();
  await expect(ready).resolves.toBeUndefined();
});

test("does not mind a service that is not there yet", async () => {
  const gone = await serviceThatStarts();
  servers.pop()?.close();
  const late = Promise.withResolvers<readonly string[]>();
  const stop = new AbortController();
  const ready = untilReady({
    probes: new Map([["gone", gone.probe]]),
    slowAfterMs: 100,
    onSlow: late.resolve,
    signal: stop.signal,
  });

  expect(await late.promise).toEqual(["gone"]);
  stop.abort();
  await expect(ready).rejects.toMatchObject({ name: "AbortError" });
});

test("gives up when it is told to", async () => {
  const { probe, askedOnce } = await serviceThatStarts();
  const stop = new AbortController();
  const ready = untilReady({ probes: new Map([["x", probe]]), slowAfterMs: 60_000, onSlow: () => {}, signal: stop.signal });

  await askedOnce;
  stop.abort();

  await expect(ready).rejects.toMatchObject({ name: "AbortError" });
});
