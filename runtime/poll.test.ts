import { pollEvery } from "./poll.ts";

const noError = () => {};

test("looks again after a look that fails, and tells of it", async () => {
  const failures: unknown[] = [];
  const twice = Promise.withResolvers<void>();
  let looks = 0;
  const look = async () => {
    looks++;
    if (looks === 1) throw new Error("once");
    twice.resolve();
  };

  const stop = pollEvery(1, look, (error) => failures.push(error));
  await twice.promise;
  await stop();

  expect(failures).toMatchObject([{ message: "once" }]);
});

test("stops when the look in hand is over, so that what it needs can be closed", async () => {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const steps: string[] = [];
  const look = async () => {
    begun.resolve();
    await end.promise;
    steps.push("looked");
  };

  const stop = pollEvery(1, look, noError);
  await begun.promise;
  const stopped = stop().then(() => steps.push("stopped"));
  end.resolve();
  await stopped;

  expect(steps).toEqual(["looked", "stopped"]);
});

test("stops at once between two looks", async () => {
  let looks = 0;
  const stop = pollEvery(
    60_000,
    async () => {
      looks++;
    },
    noError,
  );

  await stop();

  expect(looks).toBe(0);
});
