import { randomInt } from "node:crypto";
import type { Registry } from "prom-client";
import { EventLogServiceDefinition } from "../../gen/bookstore/events/v1/event_log_service.ts";
import { RegisterServiceDefinition } from "../../gen/bookstore/register/v1/register_service.ts";
import { SessionServiceDefinition } from "../../gen/bookstore/register/v1/session_service.ts";
import type { MeshServer } from "../../interceptors/server/chain.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { eventLogHandler } from "../../runtime/events/event-log-handler.ts";
import type { HealthCheck } from "../../runtime/health.ts";
import type { Logger } from "../../runtime/logger.ts";
import { pollEvery } from "../../runtime/poll.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import { AttemptLimits } from "./attempts.ts";
import { clientKey } from "./client-address.ts";
import { registerHandler } from "./handler.ts";
import { type Customer, HashQueue } from "./hash-queue.ts";
import { argon2id, type Passwords } from "./password.ts";
import { randomToken } from "./refresh-token.ts";
import { type SessionDeps, signIn } from "./session.ts";
import { type SignIn, sessionHandler } from "./session-handler.ts";
import { signInMetrics } from "./sign-in-metrics.ts";
import { LOOK_MS, openSigningKeys, type SigningKeys } from "./signing-keys.ts";
import type { RegisterStore } from "./store.ts";
import type { RegisterDeps } from "./user.ts";

const DAY = 24 * 60 * 60_000;
/** How often rows that have expired are deleted. */
const CLEAN_MS = 60 * 60_000;

export interface RegisterOptions {
  /** Stays the caller's, to close after close(). */
  store: RegisterStore;
  /** How long a key signs access tokens. */
  signingKeyDays: number;
  /** How many passwords are hashed at once. */
  passwordsAtOnce: number;
  /** How many may wait for it. */
  passwordsWaiting: number;
  /** The broker to which events are handed on, if there is one. */
  amqpUrl?: string | undefined;
  logger: Logger;
  metrics: Registry;
  now?: () => Date;
  randomInt?: RegisterDeps["randomInt"];
  passwords?: Passwords;
}

/** Accounts and sessions, put together. */
export interface Register {
  /** Adds both services, and the log of events. */
  addTo(server: MeshServer): void;
  /** The health of both. */
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly verifyUserToken: VerifyUserToken;
  readonly keys: SigningKeys;
  readonly store: RegisterStore;
  /** As the function of this name, counted. */
  readonly signIn: SignIn;
  /** Stops looking after keys and expired rows. */
  close(): Promise<void>;
}

export async function openRegister(options: RegisterOptions): Promise<Register> {
  const { store, logger, passwords = argon2id, now = () => new Date() } = options;
  const periodMs = options.signingKeyDays * DAY;
  const keys = await openSigningKeys({ store: store.signingKeys, periodMs, now, logger });
  const queue = new HashQueue({ atOnce: options.passwordsAtOnce, mostWaiting: options.passwordsWaiting });
  const { count } = signInMetrics({ metrics: options.metrics, queue });
  const deps: SessionDeps = {
    store: store.sessions,
    ...{ passwords, queue, now, logger },
    limits: new AttemptLimits({ now: () => now().getTime() }),
    decoyHash: await passwords.hash(randomToken()),
    sign: keys.sign,
  };
  const users: RegisterDeps = {
    ...{ store, randomInt, now },
    hashPassword(password, { clientAddress, signal }) {
      const address = clientAddress === undefined ? undefined : clientKey(clientAddress);
      const customer: Customer = { lane: address ?? "nobody has said", standing: address === undefined ? "failed" : "new" };
      return queue.run(customer, () => passwords.hash(password), signal);
    },
    ...(options.randomInt && { randomInt: options.randomInt }),
  };
  const countedSignIn: SignIn = (credentials, signal) => count(signIn(deps, credentials, signal));

  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what);
  const stopLooking = pollEvery(LOOK_MS, keys.look, onError("could not look after the keys of access tokens"));
  const clean = () => store.sessions.deleteExpired(now().getTime());
  const stopCleaning = pollEvery(CLEAN_MS, clean, onError("could not delete expired sessions"));
  return {
    addTo(server) {
      server.add(RegisterServiceDefinition, registerHandler(users));
      server.add(SessionServiceDefinition, sessionHandler({ ...deps, keys, signIn: countedSignIn }));
      server.add(EventLogServiceDefinition, eventLogHandler(store.log, options));
    },
    checks: { [RegisterServiceDefinition.fullName]: store.check, [SessionServiceDefinition.fullName]: store.check },
    verifyUserToken: userTokenVerifier({ keys, now: () => now().getTime() }),
    ...{ keys, store, signIn: countedSignIn },
    async close() {
      await Promise.all([stopLooking(), stopCleaning()]);
    },
  };
}
