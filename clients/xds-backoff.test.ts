import { experimental } from "@grpc/grpc-js";
import { capBackoffs } from "./xds-backoff.ts";

test("a back-off that is never reset stays below 1.2 seconds", () => {
  capBackoffs();
  const backoff = new experimental.BackoffTimeout(() => {});

  for (let i = 0; i < 30; i++) {
    const before = Date.now();
    backoff.runOnce();
    expect(backoff.getEndTime().getTime() - before).toBeLessThanOrEqual(1_250);
    backoff.stop();
  }
});

test("a back-off that has a maximum of its own keeps it", () => {
  capBackoffs();
  const backoff = new experimental.BackoffTimeout(() => {}, { initialDelay: 4_000, maxDelay: 5_000 });

  backoff.runOnce();

  expect(backoff.getEndTime().getTime() - Date.now()).toBeGreaterThan(3_000);
  backoff.stop();
});
