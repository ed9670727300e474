import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, Channel } from "nice-grpc";
import { Registry } from "prom-client";
import { type MarketplaceClient, marketplaceClient } from "../../clients/marketplace.ts";
import { type PushClient, pushClient } from "../../clients/push.ts";
import { type RegisterClient, registerClient } from "../../clients/register.ts";
import { EventConsumerServiceDefinition } from "../../gen/bookstore/events/v1/event_consumer_service.ts";
import { MarketplaceServiceDefinition } from "../../gen/bookstore/marketplace/v1/marketplace_service.ts";
import { PushServiceDefinition } from "../../gen/bookstore/push/v1/push_service.ts";
import { RegisterServiceDefinition } from "../../gen/bookstore/register/v1/register_service.ts";
import { type MeshServer, meshServer } from "../../interceptors/server/chain.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { EventConsumer } from "../../runtime/events/event-consumer.ts";
import { eventConsumerHandler } from "../../runtime/events/event-consumer-handler.ts";
import { Health, type HealthCheck } from "../../runtime/health.ts";
import { createLogger, type Logger } from "../../runtime/logger.ts";
import type { Security } from "../../runtime/security.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import { marketplaceHandler } from "../../services/marketplace/handler.ts";
import type { CATALOGUE } from "../../services/marketplace/revision-poll.ts";
import { type MarketplaceStore, openMarketplaceStore } from "../../services/marketplace/store.ts";
import { deletedUsers } from "../../services/push/deleted-users.ts";
import { pushHandler } from "../../services/push/handler.ts";
import { happenings } from "../../services/push/happenings.ts";
import { InboxPoll } from "../../services/push/inbox-poll.ts";
import type { PushDeps } from "../../services/push/notification.ts";
import type { Schema as PushSchema } from "../../services/push/schema.ts";
import { openPushStore, type PushStore } from "../../services/push/store.ts";
import { registerHandler } from "../../services/register/handler.ts";
import { argon2id } from "../../services/register/password.ts";
import { openRegisterStore, type RegisterStore } from "../../services/register/store.ts";
import type { RegisterDeps } from "../../services/register/user.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { openPlaintextChannel, plaintext } from "./plaintext.ts";
import { type TestUsers, testUsers } from "./users.ts";

/** A real server behind the real chain on a free port, and a real client of it. */
export interface Service<Client> extends AsyncDisposable {
  readonly client: Client;
  readonly channel: Channel;
  readonly server: MeshServer;
  readonly health: Health;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** What server and client logged. */
  readonly logs: LogLines;
  /** Whose tokens the server takes. The client has the one of the user that its request is about, where a call brings none. */
  readonly users: TestUsers;
  readonly port: number;
  /** "host:port" */
  readonly address: string;
}

export interface ServiceOptions<Client> {
  add(server: MeshServer, logger: Logger): void;
  client(channel: Channel, logger: Logger): Client;
  checks?: Record<string, HealthCheck>;
  /** The default is 0: a free one. */
  port?: number;
  logs?: LogLines;
  /** Whose access tokens the server takes. The default is that of `users`. */
  verifyUserToken?: VerifyUserToken;
  /** The default is users of its own. */
  users?: TestUsers | undefined;
  /** The default is plaintext(). With others neither `channel` nor `client` gets through: open a channel as somebody. */
  credentials?: Security | undefined;
}

/** A client each of whose calls has the token of the user in its request, or of an administrator where it names nobody. */
function asTheirUser<Client>(client: Client, users: TestUsers): Client {
  const methods = Object.entries(client ?? {}).map(([name, method]) => {
    const call = (request: { userId?: string }, options: CallOptions = {}) => {
      const token = () => (request?.userId ? users.as(request.userId) : users.as("administrator", { administrator: true }));
      return (method as (...args: unknown[]) => unknown)(request, { ...options, metadata: options.metadata ?? token() });
    };
    return [name, call];
  });
  return Object.fromEntries(methods) as Client;
}

/** Serves what `add` adds. @returns to be bound with `await using`, which cuts every call and ends it. */
export async function startService<Client>(options: ServiceOptions<Client>): Promise<Service<Client>> {
  const { logs = new LogLines(), port: askedPort = 0, checks = {}, users = testUsers(), credentials = plaintext() } = options;
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const health = new Health(checks, { logger });
  const metrics = new Registry();
  const server = meshServer({
    ...{ logger, metrics, health, credentials, verifyUserToken: options.verifyUserToken ?? users.verify },
    ...{ maxCallsInFlight: 1_000, maxOpenStreams: 1_000 },
  });
  options.add(server, logger);
  const port = await server.listen(`127.0.0.1:${askedPort}`);
  await health.start();
  const address = `127.0.0.1:${port}`;
  const channel = openPlaintextChannel(address);
  return {
    ...{ channel, server, health, metrics, logger, logs, users, port, address },
    client: asTheirUser(options.client(channel, logger), users),
    async [Symbol.asyncDispose]() {
      channel.close();
      health.stop();
      server.forceShutdown();
    },
  };
}

/** Where a service of a test keeps its data. The default is a store of its own, removed at the end. */
export interface StoreOptions extends Pick<ServiceOptions<unknown>, "users" | "credentials"> {
  url?: string;
  port?: number;
}

/** Serves register. */
export async function startRegister(
  options: StoreOptions & Partial<Pick<RegisterDeps, "randomInt" | "now">> = {},
): Promise<Service<RegisterClient> & { store: RegisterStore; url: string }> {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const store = await openRegisterStore(url, createLogger({ name: "test", level: "info", destination: logs }));
  stack.defer(store.close);
  const deps = { store, hashPassword: argon2id.hash, randomInt, now: () => new Date(), ...options };
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users: options.users, credentials: options.credentials, client: registerClient },
      add: (server) => server.add(RegisterServiceDefinition, registerHandler(deps)),
      checks: { [RegisterServiceDefinition.fullName]: store.check },
    }),
  );
  return { ...service, store, url, ...disposing(stack.move()) };
}

/** What stands in for the surroundings of push. */
export interface PushOptions extends StoreOptions, Partial<Pick<PushDeps, "findReader" | "now">> {
  /** Whether e-mails are queued. The default is no. */
  emails?: boolean;
}

/** Push, and ways into it. */
export interface StartedPush extends Service<PushClient> {
  readonly store: PushStore;
  readonly url: string;
  readonly poll: InboxPoll;
  /** Hands it events by `handle`. Nobody follows their sources. */
  readonly events: EventConsumer<PushSchema>;
}

/** Serves push to readers whom `findReader` knows: everybody, if it is not given. */
export async function startPush(options: PushOptions = {}): Promise<StartedPush> {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "info", destination: logs });
  const emails = options.emails ?? false;
  const store = await openPushStore(url, logger, { emails });
  stack.defer(store.close);
  const wakeups = new Wakeups<string>();
  const deps = {
    ...{ store, emails, logger, wakeups },
    findReader: options.findReader ?? (async () => ({ language: "en", country: "" })),
    wake: (userId: string) => wakeups.wake(userId),
    now: options.now ?? (() => new Date()),
  };
  const subscriptions = [...happenings(deps), deletedUsers(deps)];
  const time = { now: deps.now, wait: (_ms: number, signal: AbortSignal) => sleep(1, undefined, { signal }) };
  const inbox = { name: "push", db: store.db, sources: [], subscriptions, logger, metrics: new Registry(), time };
  const events = new EventConsumer<PushSchema>(inbox);
  stack.defer(() => events.close());
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users: options.users, credentials: options.credentials, client: pushClient },
      add(server) {
        server.add(PushServiceDefinition, pushHandler(deps));
        server.add(EventConsumerServiceDefinition, eventConsumerHandler(events));
      },
      checks: { [PushServiceDefinition.fullName]: store.check },
    }),
  );
  return { ...service, store, url, events, poll: new InboxPoll(store, wakeups, logger), ...disposing(stack.move()) };
}

/** Serves the catalogue of marketplace, which is empty at first. Nobody polls: wake those who watch with `wakeups`. */
export async function startMarketplace(
  options: StoreOptions = {},
): Promise<Service<MarketplaceClient> & { store: MarketplaceStore; url: string; wakeups: Wakeups<typeof CATALOGUE> }> {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const store = await openMarketplaceStore(url, createLogger({ name: "test", level: "info", destination: logs }));
  stack.defer(store.close);
  const wakeups = new Wakeups<typeof CATALOGUE>();
  // Of all callers only recommendations may call every method.
  const credentials = options.credentials ?? plaintext("recommendations");
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, users: options.users, credentials, client: marketplaceClient },
      add: (server) => server.add(MarketplaceServiceDefinition, marketplaceHandler({ store, wakeups })),
      checks: { [MarketplaceServiceDefinition.fullName]: store.check },
    }),
  );
  return { ...service, store, url, wakeups, ...disposing(stack.move()) };
}

function disposing(stack: AsyncDisposableStack): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A stream that is read one response at a time. Leave it with `await using`. */
export interface Reader<T> extends AsyncDisposable {
  /** The next response. Rejects when the stream has failed or ended. The call begins with the first one. */
  next(): Promise<T>;
}

export function read<T>(stream: AsyncIterable<T>): Reader<T> {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      if (done) throw new Error("the stream has ended");
      return value;
    },
    [Symbol.asyncDispose]: async () => void (await iterator.return?.()),
  };
}
