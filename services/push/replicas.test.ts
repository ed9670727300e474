import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createLogger } from "../../runtime/logger.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { read, startPush } from "../../test/support/service.ts";
import { InboxPoll } from "./inbox-poll.ts";

test("sends what another replica on the same store has stored", async () => {
  await using first = await startPush();
  await using second = await startPush({ url: first.url });
  await using stream = read(second.client.subscribe({ userId: "a" }));
  await first.client.push({ userId: "a", content: "before" });
  const before = stream.next();
  await second.poll.look();
  expect((await before).notification?.content).toBe("before");

  const after = stream.next();
  await first.client.push({ userId: "a", content: "after" });
  await second.poll.look();

  expect((await after).notification?.content).toBe("after");
});

test("looks again and again once it is started", async () => {
  await using first = await startPush();
  await using second = await startPush({ url: first.url });
  const stop = second.poll.start(1);
  await using stream = read(second.client.subscribe({ userId: "a" }));

  for (const content of ["one", "two", "three"]) {
    await first.client.push({ userId: "a", content });
    expect((await stream.next()).notification?.content).toBe(content);
  }
  stop();
});

test("wakes only those whose inbox has changed", async () => {
  const woken: string[] = [];
  const wakeups = { watched: () => ["a", "b"], wake: (userId: string) => woken.push(userId) } as never;
  const lastIds = new Map([
    ["a", 1],
    ["b", 1],
  ]);
  const poll = new InboxPoll({ lastIds: async () => new Map(lastIds) }, wakeups, createLogger({ name: "test", level: "silent" }));
  await poll.look();
  woken.length = 0;

  await poll.look();
  expect(woken).toEqual([]);
  lastIds.set("b", 2);
  await poll.look();
  expect(woken).toEqual(["b"]);
});

test("asks the store nothing while nobody is subscribed", async () => {
  const lastIds = () => Promise.reject(new Error("asked"));
  const poll = new InboxPoll({ lastIds }, new Wakeups<string>(), createLogger({ name: "test", level: "silent" }));

  await expect(poll.look()).resolves.toBeUndefined();
});

test("writes down that it could not look, and looks again", async () => {
  const logs = new LogLines();
  const woken = Promise.withResolvers<string>();
  const wakeups = { watched: () => ["a"], wake: (userId: string) => woken.resolve(userId) } as never;
  let looks = 0;
  const lastIds = async () => {
    if (looks++ === 0) throw new Error("store gone");
    return new Map([["a", 1]]);
  };
  const poll = new InboxPoll({ lastIds }, wakeups, createLogger({ name: "test", level: "info", destination: logs }));

  const stop = poll.start(1);

  expect(await woken.promise).toBe("a");
  stop();
  expect(logs.with({ msg: "could not look for new notifications" })).toHaveLength(1);
});

test("counts ids up without gaps when two processes store at once", async () => {
  await using database = await testDatabase();
  const replicas = [1, 2].map(() =>
    fork(fileURLToPath(new URL("./testing.ts", import.meta.url)), [database.url, "a", "100"], { execArgv: [] }),
  );
  const said = async (replica: (typeof replicas)[number]) => (await once(replica, "message"))[0];
  expect(await Promise.all(replicas.map(said))).toEqual(["ready", "ready"]);

  const stored = replicas.map(said);
  const exits = replicas.map((replica) => once(replica, "exit"));
  for (const replica of replicas) replica.send("go");

  const ids = (await Promise.all(stored)).flat();
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  expect((await Promise.all(exits)).map(([status]) => status)).toEqual([0, 0]);
});
