import { type Channel, createChannel } from "nice-grpc";
import { type PushClient, pushClient } from "../../clients/push.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Security } from "../../runtime/security.ts";
import type { TestUsers } from "../../test/support/users.ts";

/** A connection carries 2,000 streams at most. */
const STREAMS_A_CONNECTION = 1_000;
/** How many streams are opened at once. */
const OPENED_AT_ONCE = 200;
interface SubscribersOptions {
  port: number;
  credentials: Security;
  users: TestUsers;
  logger: Logger;
}

/** Those who wait for Notifications. Bind it with `using`, which makes them leave. */
export class Subscribers implements Disposable {
  readonly #options: SubscribersOptions;
  readonly #channels: Channel[] = [];
  readonly #leave = new AbortController();
  readonly #subscriptions = new Map<string, number>();
  #onReceived: (userId: string) => void = () => {};

  constructor(options: SubscribersOptions) {
    this.#options = options;
  }

  /** Opens a stream for each user of the list, who all have one Notification. Resolves when each stream has brought it. */
  async open(userIds: readonly string[]): Promise<void> {
    let client = this.#connect();
    for (let i = 0; i < userIds.length; i += OPENED_AT_ONCE) {
      if (i > 0 && i % STREAMS_A_CONNECTION === 0) client = this.#connect();
      await Promise.all(userIds.slice(i, i + OPENED_AT_ONCE).map((userId) => this.#subscribe(client, userId)));
    }
  }

  /** Pushes to each user once. Resolves when all their streams have got it. */
  async push(userIds: readonly string[], atOnce: number): Promise<{ received: number; worstMs: number }> {
    const expected = userIds.reduce((sum, userId) => sum + (this.#subscriptions.get(userId) ?? 0), 0);
    const startedAt = new Map<string, number>();
    const all = Promise.withResolvers<void>();
    let [received, worstMs] = [0, 0];
    this.#onReceived = (userId) => {
      worstMs = Math.max(worstMs, performance.now() - (startedAt.get(userId) ?? 0));
      if (++received === expected) all.resolve();
    };
    const client = this.#connect();
    const waiting = [...userIds];
    const pushing = Array.from({ length: atOnce }, async () => {
      for (let userId = waiting.pop(); userId !== undefined; userId = waiting.pop()) {
        startedAt.set(userId, performance.now());
        await client.push({ userId, content: "Your order is on its way." }, { deadlineMs: 20_000 });
      }
    });
    await Promise.all(pushing);
    if (expected > 0) await all.promise;
    return { received, worstMs };
  }

  /** Resolves when the stream has brought what was there before. */
  #subscribe(client: PushClient, userId: string): Promise<void> {
    const open = Promise.withResolvers<void>();
    const { users } = this.#options;
    const follow = async () => {
      const stream = client.subscribe({ userId }, { metadata: users.as(userId), signal: this.#leave.signal });
      for await (const { notification } of stream) {
        if (notification?.id === 1n) open.resolve();
        else this.#onReceived(userId);
      }
    };
    this.#subscriptions.set(userId, (this.#subscriptions.get(userId) ?? 0) + 1);
    follow().catch((error) => open.reject(error));
    return open.promise;
  }

  #connect(): PushClient {
    const { port, credentials, logger } = this.#options;
    // A connection of its own: channels to one server share theirs.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    const channel = createChannel(`127.0.0.1:${port}`, credentials.channel("push"), options);
    this.#channels.push(channel);
    return pushClient(channel, logger);
  }

  [Symbol.dispose](): void {
    this.#leave.abort();
    for (const channel of this.#channels) channel.close();
  }
}
