import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { reached, STEPS } from "./steps.ts";

test("tells whoever listens which step was reached, before it goes on", () => {
  const heard: unknown[] = [];
  const listen = (step: unknown) => void heard.push(step);

  reached("before anybody listens");
  subscribe(STEPS, listen);
  reached("orders.order-committed");
  unsubscribe(STEPS, listen);
  reached("when nobody listens any more");

  expect(heard).toEqual([{ name: "orders.order-committed" }]);
});
