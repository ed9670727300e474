// What the tests of register have in common: accounts and sessions behind the
// real chain on a free port, over a real store, and a clock to turn.
import type { AddressInfo } from "node:net";
import { type ClientMiddleware, Metadata } from "nice-grpc";
import { Registry } from "prom-client";
import { type RegisterClient, type SessionClient, sessionClient } from "../../clients/register.ts";
import { RegisterServiceDefinition } from "../../gen/bookstore/register/v1/register_service.ts";
import { type Session, SessionServiceDefinition } from "../../gen/bookstore/register/v1/session_service.ts";
import { clientFactory } from "../../interceptors/client/chain.ts";
import { openDatabase } from "../../runtime/database.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { createLogger } from "../../runtime/logger.ts";
import { testDatabase } from "../../test/support/database.ts";
import { LogLines } from "../../test/support/log-lines.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";
import { startService } from "../../test/support/service.ts";
import { testUsers } from "../../test/support/users.ts";
import { httpServer } from "./http/server.ts";
import type { Passwords } from "./password.ts";
import { openRegister, type RegisterOptions } from "./register.ts";
import type { Schema } from "./schema.ts";
import { migrations, openRegisterStore } from "./store.ts";

export const ADA = { email: "ada@example.com", name: "Ada Lovelace", language: "en-GB", country: "GB" };
export const GRACE = { email: "grace@example.com", name: "Grace Hopper", language: "en", country: "US" };
export const PASSWORD = "correct horse battery staple";
/** An address for documents (RFC 5737). */
export const HOME = "192.0.2.1";

export interface AccountOptions extends Partial<Omit<RegisterOptions, "store" | "logger" | "metrics">> {
  /** Where the store is. The default is one of its own, removed at the end. */
  url?: string;
  port?: number;
}

/** Serves register. Bind it with `await using`. */
export async function startAccounts(options: AccountOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const url = options.url ?? stack.use(await testDatabase()).url;
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const metrics = new Registry();
  const store = await openRegisterStore(url, logger);
  stack.defer(store.close);
  let nowMs = Date.UTC(2031, 0, 1);
  const now = options.now ?? (() => new Date(nowMs));
  const register = await openRegister({
    ...{ signingKeyDays: 30, passwordsAtOnce: 1, passwordsWaiting: 100 },
    ...options,
    ...{ store, logger, metrics, now },
  });
  stack.defer(register.close);
  const users = testUsers({ now: () => now().getTime() });
  const verifyUserToken = either(register.verifyUserToken, users.verify);
  const service = stack.use(
    await startService({
      ...{ logs, port: options.port ?? 0, client: sessionClient, checks: register.checks },
      ...{ users, verifyUserToken },
      add: (server) => register.addTo(server),
    }),
  );
  const clientOf = (metadata: Metadata) => {
    const factory = clientFactory({ logger }).use(carrying(metadata));
    return {
      users: factory.create(RegisterServiceDefinition, service.channel) as RegisterClient,
      sessions: factory.create(SessionServiceDefinition, service.channel) as SessionClient,
    };
  };
  const web = await httpServer({ ...register, verifyUserToken, logger });
  stack.defer(() => web.close());
  await web.listen({ host: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${(web.server.address() as AddressInfo).port}`;
  const sessions = service.client;
  const owned = stack.move();
  return {
    ...{ service, register, store, url, logs, metrics, users, now, sessions, origin },
    /** What a user may call with this access token. */
    withToken: (token: string) => clientOf(new Metadata({ authorization: `Bearer ${token}` })),
    /** What an administrator may call. */
    client: clientOf(users.as("0", { administrator: true })).users,
    operator: clientOf(new Metadata({ [CALLER_HEADER]: "operator" })).sessions,
    pass(ms: number) {
      nowMs += ms;
    },
    /** Resolves when so many passwords wait for their turn. */
    async waiting(count: number) {
      const text = `bookmesh_passwords_waiting ${count}`;
      while (!(await metrics.metrics()).includes(`${text}\n`)) await new Promise(setImmediate);
    },
    /** Registers somebody. @returns the id. */
    async signUp(profile: typeof ADA & { password?: string } = { ...ADA, password: PASSWORD }): Promise<string> {
      const { user } = await clientOf(new Metadata()).users.register(profile);
      return String(user?.id);
    },
    async signIn(request: { email?: string; password?: string; clientAddress?: string } = {}): Promise<Session> {
      const { session } = await sessions.signIn({ email: ADA.email, password: PASSWORD, clientAddress: HOME, ...request });
      return session as Session;
    },
    async refresh(refreshToken: string, clientAddress = HOME): Promise<Session> {
      const { session } = await sessions.refreshSession({ refreshToken, clientAddress });
      return session as Session;
    },
    /** POSTs JSON. */
    async post(path: string, body: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(origin + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      const answer = (await response.json()) as Record<string, string>;
      return { status: response.status, headers: response.headers, body: answer };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Hashes that cost nothing, and a list of what was hashed and compared. */
export function cheapPasswords() {
  const hashed: string[] = [];
  const compared: { hash: string; password: string }[] = [];
  const passwords: Passwords = {
    async hash(password) {
      hashed.push(password);
      return `cheap ${password}`;
    },
    async verify(hash, password) {
      compared.push({ hash, password });
      return hash.replace(/^(old|cheap) /, "") === password;
    },
    isOutdated: (hash) => hash.startsWith("old "),
  };
  return { passwords, hashed, compared };
}

/** Passwords that are compared only when they are let. */
export function heldPasswords() {
  const cheap = cheapPasswords();
  let held = false;
  const waiting: (() => void)[] = [];
  const turn = async () => {
    if (held) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const passwords: Passwords = {
    ...cheap.passwords,
    async verify(hash, password) {
      const right = await cheap.passwords.verify(hash, password);
      await turn();
      return right;
    },
  };
  return {
    ...cheap,
    passwords,
    hold() {
      held = true;
    },
    /** Resolves when so many are being compared. */
    async comparing(count: number) {
      while (waiting.length !== count) await new Promise(setImmediate);
    },
    release() {
      held = false;
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

/** Every row of a table, read past the service. */
export async function rowsOf({ url }: { url: string }, table: keyof Schema): Promise<Record<string, unknown>[]> {
  const logger = createLogger({ name: "test", level: "silent", destination: { write() {} } });
  const { db, close } = await openDatabase<Schema>({ url, logger, migrations });
  try {
    return await db.selectFrom(table).selectAll().execute();
  } finally {
    await close();
  }
}

function carrying(metadata: Metadata): ClientMiddleware {
  return (call, options) => call.next(call.request, { ...options, metadata: Metadata(options.metadata ?? metadata) });
}

/** Takes what one of them takes; of two refusals, the first. */
function either(first: VerifyUserToken, second: VerifyUserToken): VerifyUserToken {
  return async (token) => {
    try {
      return await first(token);
    } catch (error) {
      try {
        return await second(token);
      } catch {
        throw error;
      }
    }
  };
}
