import { Registry } from "prom-client";
import { type RegisterClient, registerClient, type SessionClient, sessionClient } from "../../clients/register.ts";
import { userKeys } from "../../clients/user-keys.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { createLogger } from "../../runtime/logger.ts";
import { userTokenVerifier } from "../../runtime/user-tokens.ts";
import type { Passwords } from "../../services/register/password.ts";
import { openRegister } from "../../services/register/register.ts";
import { openRegisterStore, type RegisterStore } from "../../services/register/store.ts";
import { testDatabase } from "./database.ts";
import { LogLines } from "./log-lines.ts";
import { plaintext } from "./plaintext.ts";
import { type Service, startService } from "./service.ts";

/** Passwords whose hashes cost nothing. */
const cheapPasswords: Passwords = {
  hash: async (password) => `cheap ${password}`,
  verify: async (hash, password) => hash === `cheap ${password}`,
  isOutdated: () => false,
};

export interface Accounts extends AsyncDisposable {
  /** The clients of another service, which have no token but that of the call they are used in. */
  readonly register: RegisterClient;
  readonly sessions: SessionClient;
  /** As another service verifies tokens: with the keys that it asks for. */
  readonly verifyUserToken: VerifyUserToken;
  /** The same of a process that has just started and knows no keys yet. */
  newVerifier(): VerifyUserToken;
  readonly store: RegisterStore;
  readonly logs: LogLines;
  readonly service: Service<unknown>;
  readonly now: () => number;
  /** As when the process is gone. */
  stop(): void;
  /** Turns the clock of register forward. */
  pass(ms: number): void;
}

/** Serves accounts and sessions to a service, by default marketplace. */
export async function startAccounts({ caller = "marketplace" }: { caller?: string } = {}): Promise<Accounts> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const logs = new LogLines();
  const logger = createLogger({ name: "test", level: "debug", destination: logs });
  const store = await openRegisterStore(url, logger);
  stack.defer(store.close);
  let passedMs = 0;
  const now = () => Date.now() + passedMs;
  const accounts = await openRegister({
    ...{ store, logger, metrics: new Registry(), now: () => new Date(now()), passwords: cheapPasswords },
    ...{ signingKeyDays: 30, passwordsAtOnce: 1, passwordsWaiting: 100 },
  });
  stack.defer(accounts.close);
  const service = stack.use(
    await startService({
      ...{ logs, client: () => ({}), checks: accounts.checks, verifyUserToken: accounts.verifyUserToken },
      credentials: plaintext(caller),
      add: (server) => accounts.addTo(server),
    }),
  );
  const sessions = sessionClient(service.channel, logger);
  const newVerifier = () => userTokenVerifier({ keys: userKeys(sessions, { logger, now }), now });
  const owned = stack.move();
  return {
    ...{ store, logs, service, now, sessions },
    register: registerClient(service.channel, logger),
    verifyUserToken: newVerifier(),
    newVerifier,
    stop: () => service.server.forceShutdown(),
    pass(ms) {
      passedMs += ms;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
