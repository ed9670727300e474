import { EventEmitter } from "node:events";
import { jest } from "@jest/globals";
import pino from "pino";
import { stopOnSignals } from "./signals.ts";

function pressable() {
  const stopping = new AbortController();
  const supervisor = { stopping: stopping.signal, stop: jest.fn(async () => stopping.abort()), force: jest.fn() };
  const source = new EventEmitter();
  let nowMs = 1_000;
  stopOnSignals(supervisor, { log: pino({ level: "silent" }), source, streams: [], now: () => nowMs });
  return {
    supervisor,
    press: (afterMs: number) => {
      nowMs += afterMs;
      source.emit("SIGINT");
    },
  };
}

test("stops in order on the first Ctrl-C and at once on the second", () => {
  const { supervisor, press } = pressable();

  press(0);
  expect(supervisor.stop).toHaveBeenCalledTimes(1);
  expect(supervisor.force).not.toHaveBeenCalled();

  press(1_000);
  expect(supervisor.force).toHaveBeenCalledTimes(1);
});

test("takes the SIGINT of the terminal and the one that npm sends on for one Ctrl-C", () => {
  const { supervisor, press } = pressable();

  press(0);
  press(5);

  expect(supervisor.force).not.toHaveBeenCalled();
});

test("stops when nobody reads its output any more", () => {
  const stream = new EventEmitter();
  const supervisor = { stopping: new AbortController().signal, stop: jest.fn(async () => {}), force: jest.fn() };
  stopOnSignals(supervisor, { log: pino({ level: "silent" }), source: new EventEmitter(), streams: [stream] });

  stream.emit("error", new Error("EPIPE"));

  expect(supervisor.stop).toHaveBeenCalledTimes(1);
});
