import { Registry } from "prom-client";
import { EventConsumerServiceDefinition } from "../../../gen/bookstore/events/v1/event_consumer_service.ts";
import { PushServiceDefinition } from "../../../gen/bookstore/push/v1/push_service.ts";
import { EventConsumer } from "../../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../../runtime/events/event-consumer-handler.ts";
import { Wakeups } from "../../../runtime/wakeups.ts";
import { pushHandler } from "../../../services/push/handler.ts";
import { happenings } from "../../../services/push/happenings.ts";
import { openPushStore } from "../../../services/push/store.ts";
import { type AddServices, logsOf } from "./making.ts";

export const addPush: AddServices = async (server, making) => {
  const { databaseUrl, logger, stack } = making;
  const store = await openPushStore(databaseUrl, logger, { emails: true });
  stack.defer(store.close);
  const wakeups = new Wakeups<string>();
  const deps = {
    ...{ store, wakeups, emails: true, logger, now: () => new Date() },
    findReader: async () => ({ language: "en", country: "AT" }),
    wake: (userId: string) => wakeups.wake(userId),
  };
  const events = new EventConsumer({
    ...{ name: "push", db: store.db, logger, metrics: new Registry(), subscriptions: happenings(deps) },
    sources: logsOf(making, "orders", "reviews"),
  });
  stack.defer(() => events.close());
  server.add(PushServiceDefinition, pushHandler(deps));
  server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));
  events.start();
};
