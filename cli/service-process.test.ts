import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { Writable } from "node:stream";
import pino from "pino";
import { Backoff } from "./backoff.ts";
import { ServiceProcess } from "./service-process.ts";

/** Runs fixtures/service.ts. Each message, of the process and of its supervision, is an event of `said`. */
function run(options: { env: Record<string, string>; killAfterMs?: number }) {
  const said = new EventEmitter();
  const hopeless = Promise.withResolvers<void>();
  const messages = (text: string) => {
    for (const line of text.split("\n")) if (line.startsWith("{")) said.emit(JSON.parse(line).msg);
  };
  const stream = () =>
    new Writable({
      write(chunk, _encoding, done) {
        messages(String(chunk));
        done();
      },
    });
  const service = new ServiceProcess({
    program: {
      name: "fixture",
      main: join(import.meta.dirname, "fixtures", "service.ts"),
      env: { HOST: "127.0.0.1", PORT: "0", ADMIN_PORT: "0", ...options.env },
      killAfterMs: options.killAfterMs ?? 60_000,
    },
    output: () => ({ stdout: stream(), stderr: stream() }),
    log: pino({}, { write: messages }),
    onHopeless: hopeless.resolve,
    backoff: new Backoff(() => 0),
  });
  service.start();
  return { service, said, hopeless: hopeless.promise };
}

test("lets a service finish what it does", async () => {
  const { service, said } = run({ env: {} });
  await once(said, "listening");

  expect(await service.stop()).toBe(true);
});

test("has a service cut its calls when it is told to hurry", async () => {
  const { service, said } = run({ env: { ON_STOP: "wait" } });
  await once(said, "listening");
  const stopped = service.stop();
  await once(said, "asked to stop");

  service.force();

  expect(await stopped).toBe(false);
});

test("kills a service that does not hurry", async () => {
  const { service, said } = run({ env: { ON_STOP: "ignore" } });
  await once(said, "listening");
  const stopped = service.stop();

  service.force();

  await once(said, "fixture ended by SIGKILL");
  expect(await stopped).toBe(false);
});

test("kills a service that takes longer to stop than it may", async () => {
  const { service, said } = run({ env: { ON_STOP: "ignore" }, killAfterMs: 50 });
  await once(said, "listening");
  const killed = once(said, "fixture did not stop in time and is killed");

  expect(await service.stop()).toBe(false);
  await killed;
});

test("does not start a service again that cannot start", async () => {
  const { service, hopeless } = run({ env: { BAD_SETTINGS: "1" } });

  await hopeless;

  expect(await service.stop()).toBe(false);
});

test("does not start a service again that is stopped while it waits for its next start", async () => {
  const { service, said } = run({ env: { PORT: "-1" } });
  await once(said, "fixture ended with status 1: it is started again in 0.5 s");

  expect(await service.stop()).toBe(false);
});
