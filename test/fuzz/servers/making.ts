import type { MeshServer } from "../../../interceptors/server/chain.ts";
import type { VerifyUserToken } from "../../../runtime/end-user.ts";
import type { EventLog } from "../../../runtime/events/event-log.ts";
import type { Logger } from "../../../runtime/logger.ts";

/** What a server of the target is made of. */
export interface Making {
  /** Of an empty store. */
  databaseUrl: string;
  /** An empty folder. */
  folder: string;
  logger: Logger;
  verifyUserToken: VerifyUserToken;
  /** The logs of the servers that were made before, by their names. */
  logs: Map<string, EventLog>;
  /** Ends what the server does by itself, when the target ends. */
  stack: AsyncDisposableStack;
}

/** Puts services on a server. */
export type AddServices = (server: MeshServer, making: Making) => Promise<void> | void;

/** The logs of some servers, which were made before. */
export function logsOf({ logs }: Making, ...names: readonly string[]): EventLog[] {
  return names.flatMap((name) => logs.get(name) ?? []);
}
