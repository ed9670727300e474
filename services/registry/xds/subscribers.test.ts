import { ASSIGNMENT } from "./resource-type.ts";
import { Subscribers } from "./subscribers.ts";
import { Subscription } from "./subscription.ts";

test("the clients of one service get half of the room at most, and have it back when they leave", () => {
  const subscribers = new Subscribers();
  const greedy = subscription("greedy", subscribers);
  for (let i = 0; i < 500_000; i++) subscribers.add(greedy, `name-${i}`);

  expect(() => subscribers.add(greedy, "one-more")).toThrow(expect.objectContaining({ reason: "REGISTRY_FULL" }));
  expect(() => subscribers.add(subscription("orders", subscribers), "one-more")).not.toThrow();
  subscribers.remove(greedy, "name-7");
  expect(() => subscribers.add(greedy, "one-more")).not.toThrow();
});

function subscription(owner: string, subscribers: Subscribers): Subscription {
  const unused = {} as never;
  return new Subscription(ASSIGNMENT, { owner, subscribers, snapshot: unused, responses: unused, wake() {}, progressed() {} });
}
