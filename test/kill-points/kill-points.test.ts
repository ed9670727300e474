import { killPoints } from "./testing.ts";

const SEED = ["--seed", "20261121"];
const POINTS = ["orders.order-committed", "orders.charged", "events.stream.before-send", "push: events.consumer.before-commit"];

test("whichever program is killed, every order is there once, and the checker finds an order that nobody was told of", async () => {
  const [whole, planted] = await Promise.all([
    killPoints("--runs", "1", "--points", POINTS.join(","), ...SEED),
    killPoints("--runs", "1", "--points", "orders.placed-committed", "--plant", "dual-write", ...SEED),
  ]);

  process.stdout.write(whole.output);
  expect(whole).toMatchObject({ status: 0, together: { runs: 4, killed: 4, orders: 16, lost: 0, doubled: 0, half: 0 } });
  // With the event after the commit, in a transaction of its own.
  expect(planted).toMatchObject({ status: 1, together: { runs: 1, killed: 1, orders: 4, doubled: 0 } });
  expect(planted.together.lost).toBeGreaterThan(0);
  expect(planted.output).toContain("events that it is placed: 0, not 1");
}, 180_000);
