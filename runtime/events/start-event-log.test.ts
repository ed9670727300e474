import { Registry } from "prom-client";
import { testDatabase } from "../../test/support/database.ts";
import { until } from "../../test/support/until.ts";
import { createLogger } from "../logger.ts";
import { EventLog } from "./event-log.ts";
import { Relay } from "./relay.ts";
import { LEASE_MS, RelayLease } from "./relay-lease.ts";
import { type EventLogOptions, startEventLog } from "./start-event-log.ts";
import { Noted, openTestStore, type TestStore } from "./testing.ts";

const DAY_MS = 86_400_000;
const logger = createLogger({ name: "test", level: "silent" });

let stack: AsyncDisposableStack;
let store: TestStore;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  store = await openTestStore(stack.use(await testDatabase()).url, logger);
  stack.defer(store.close);
});
afterEach(() => stack.disposeAsync());

function start(options: Partial<EventLogOptions> = {}): void {
  const settings = { eventRetentionDays: 30, eventPollIntervalMs: 5, logger, metrics: new Registry() };
  const started = startEventLog(store.log, { ...settings, ...options });
  stack.defer(() => started.close());
}

async function noteLongAgo(): Promise<void> {
  const log = new EventLog(store.db, { source: "tests", now: () => new Date(Date.now() - 31 * DAY_MS) });
  await store.db.transaction().execute((transaction) => log.append(transaction, Noted, { subject: "a", data: { text: "old" } }));
}

test("tells followers of what another replica has noted", async () => {
  start();
  const replica = new EventLog(store.db, { source: "tests" });
  const batches = store.log.follow({ afterPosition: 0 }, AbortSignal.timeout(10_000));
  await batches.next();
  const next = batches.next();

  await store.db
    .transaction()
    .execute((transaction) => replica.append(transaction, Noted, { subject: "a", data: { text: "one" } }));
  replica.wake();

  expect((await next).value).toMatchObject({ position: 1 });
  await batches.return(undefined as never);
});

test("closes when the look in hand is over", async () => {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const ended: string[] = [];
  let looking = false;
  class SlowLog extends EventLog {
    override get followed(): boolean {
      looking = true;
      return true;
    }
    override async lastPosition(): Promise<number> {
      if (!looking) return super.lastPosition();
      begun.resolve();
      await end.promise;
      ended.push("look");
      return 0;
    }
  }
  const log = new SlowLog(store.db, { source: "tests" });
  const settings = { eventRetentionDays: 30, eventPollIntervalMs: 1, logger, metrics: new Registry() };
  const started = startEventLog(log, settings);
  await begun.promise;

  const closed = started.close().then(() => ended.push("close"));
  // Time enough for all else that it waits for.
  for (let i = 0; i < 10; i++) await log.prune(new Date(0));
  end.resolve();
  await closed;

  expect(ended).toEqual(["look", "close"]);
});

test("forgets what is older than it is to keep", async () => {
  await noteLongAgo();
  await store.note("a", "young");

  start();

  await until(() => store.log.state(), { firstPosition: 2, lastPosition: 2, relayedPosition: 0 });
});

test("forgets nothing that a broker is to have and has not", async () => {
  await noteLongAgo();
  await noteLongAgo();
  await store.db.updateTable("event_relay").set({ relayed_position: 1 }).execute();

  // Nobody listens there.
  start({ amqpUrl: "amqp://127.0.0.1:1" });

  await until(() => store.log.state(), { firstPosition: 2, lastPosition: 2, relayedPosition: 1 });
});

describe("of several relays", () => {
  let now = 1_000_000;
  const lease = (owner: string) => new RelayLease(store.log, owner, () => new Date(now));

  test("one has the lease, for as long as it shows that it lives", async () => {
    const [one, other] = [lease("one"), lease("other")];

    expect(await one.take()).toBe(0);
    expect(await other.take()).toBeUndefined();
    now += LEASE_MS - 1;
    expect(await one.take()).toBe(0);
    now += LEASE_MS - 1;
    expect(await other.take()).toBeUndefined();
    now += 2;
    expect(await other.take()).toBe(0);
    expect(await one.take()).toBeUndefined();
  });

  test("the next one goes on where the one before has stopped, and that one notes nothing more", async () => {
    const [one, other] = [lease("one"), lease("other")];
    await one.take();
    expect(await one.note(7)).toBe(true);
    await one.release();
    now += 1;

    expect(await other.take()).toBe(7);
    expect(await one.note(9)).toBe(false);
    expect(await other.take()).toBe(7);
  });

  test("one takes the lease that another one has whose clock is far ahead, as when that was killed", async () => {
    const killed = new RelayLease(store.log, "killed", () => new Date(now + 86_400_000));
    await killed.take();
    await killed.note(7);

    expect(await lease("other").take()).toBe(7);
    now += LEASE_MS - 1;
    expect(await lease("one more").take()).toBeUndefined();
  });

  test("one that cannot go on begins anew, but where the store says that it was restored", async () => {
    const one = lease("one");
    await one.take();
    await one.note(7);
    const restore = await store.backUpLog();
    await one.note(9);

    expect(await lease("other").beginAnew(9)).toBe(false);
    await restore();
    expect(await one.beginAnew(9)).toBe(false);
    expect(await one.take()).toBe(7);
    expect(await one.beginAnew(7)).toBe(true);
    expect(await one.take()).toBe(0);
  });

  test("one that ends leaves the lease to the others", async () => {
    const stop = new AbortController();
    const relay = new Relay(store.log, { amqpUrl: "amqp://127.0.0.1:1", logger, metrics: new Registry() });
    const running = relay.run(stop.signal);

    stop.abort();

    await expect(running).resolves.toBeUndefined();
  });
});
