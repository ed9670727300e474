import { jest } from "@jest/globals";
import { onNpmGone } from "./launcher.ts";

const INIT = 1;

afterEach(() => {
  jest.useRealTimers();
});

function watch(env: NodeJS.ProcessEnv) {
  jest.useFakeTimers();
  let parent = 4_711;
  const callback = jest.fn();
  onNpmGone(callback, { env, parent: () => parent, everyMs: 500 });
  jest.advanceTimersByTime(2_000);
  expect(callback).not.toHaveBeenCalled();
  parent = INIT;
  jest.advanceTimersByTime(2_000);
  return callback;
}

test("notices once that the shell of npm is gone", () => {
  expect(watch({ npm_command: "run-script" })).toHaveBeenCalledTimes(1);
});

test("may outlive a parent that is not npm", () => {
  expect(watch({})).not.toHaveBeenCalled();
});
