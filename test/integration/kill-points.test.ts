import { killPoints } from "../kill-points/testing.ts";

const POINTS = [
  "orders.charged",
  "events.relay",
  "push: events.queue.acknowledged",
  "recommendations: events.consumer.committed",
];

test("whichever program is killed on PostgreSQL with RabbitMQ, every order is there once", async () => {
  const options = ["--store", "postgres", "--transport", "amqp", "--runs", "1", "--seed", "20261121"];

  const { status, output, together } = await killPoints(...options, "--points", POINTS.join(","));

  process.stdout.write(output);
  expect(together).toMatchObject({ runs: 5, killed: 5, orders: 20, lost: 0, doubled: 0, half: 0 });
  expect(status).toBe(0);
}, 180_000);
