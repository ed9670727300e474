import { type PushClient, pushClient } from "../../clients/push.ts";
import { PushServiceDefinition } from "../../gen/bookstore/push/v1/push_service.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { read, startPush, startService } from "../../test/support/service.ts";
import { pushHandler } from "./handler.ts";

const PUSHES = 500;
/** A thousand at once take their time on a busy machine. */
const PATIENT = { deadlineMs: 15_000 };
const USERS = ["a", "b"] as const;
const ALL_IDS = Array.from({ length: PUSHES }, (_, i) => i + 1);

/**
 * Reads every notification of a user, leaving after some and coming back from
 * the last id it has, as often as `stay` says.
 */
async function readAll(client: PushClient, userId: string, stay: (visit: number) => number): Promise<number[]> {
  const ids: number[] = [];
  for (let visit = 0; ids.length < PUSHES; visit++) {
    let left = stay(visit);
    for await (const { notification } of client.subscribe({ userId, afterNotificationId: BigInt(ids.at(-1) ?? 0) })) {
      ids.push(Number(notification?.id));
      if (--left === 0 || ids.length === PUSHES) break;
    }
  }
  return ids;
}

test("loses nothing and sends nothing twice while subscribers come, leave and resume under 500 pushes at once", async () => {
  await using push = await startPush();
  const readers = [
    // One who stays, others who leave again and again, some of them at once.
    (userId: string) => readAll(push.client, userId, () => PUSHES),
    (userId: string) => readAll(push.client, userId, (visit) => 1 + ((visit * 7) % 40)),
    (userId: string) => readAll(push.client, userId, (visit) => 100 - (visit % 3)),
  ];
  const early = USERS.map((userId) => Promise.all(readers.map((read) => read(userId))));

  const pushes = ALL_IDS.flatMap((n) => USERS.map((userId) => push.client.push({ userId, content: `number ${n}` }, PATIENT)));
  const late = USERS.map((userId) => Promise.all(readers.map((read) => read(userId))));
  const pushed = await Promise.all(pushes);

  for (const userId of USERS) {
    const ids = pushed.flatMap(({ notification }) => (notification?.userId === userId ? [Number(notification.id)] : []));
    expect(ids.sort((a, b) => a - b)).toEqual(ALL_IDS);
  }
  const expected = USERS.map(() => readers.map(() => ALL_IDS));
  expect(await Promise.all(early)).toEqual(expected);
  expect(await Promise.all(late)).toEqual(expected);
});

test("sends what is pushed between looking for it and waiting for it", async () => {
  await using push = await startPush();
  const wakeups = new Wakeups<string>();
  const late = ["pushed during the first look", "pushed during the second look"];
  const store = {
    ...push.store,
    async listAfter(...range: Parameters<typeof push.store.listAfter>) {
      const found = await push.store.listAfter(...range);
      const content = late.shift();
      if (content !== undefined) await service.client.push({ userId: "a", content });
      return found;
    },
  };
  const deps = { store, findReader: async () => ({ language: "", country: "" }), wake: (userId: string) => wakeups.wake(userId) };
  await using service = await startService({
    add: (server, logger) => server.add(PushServiceDefinition, pushHandler({ ...deps, wakeups, now: () => new Date(), logger })),
    client: pushClient,
  });

  await using stream = read(service.client.subscribe({ userId: "a" }));

  expect((await stream.next()).notification?.content).toBe("pushed during the first look");
  expect((await stream.next()).notification?.content).toBe("pushed during the second look");
});
