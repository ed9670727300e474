import { constants, type ServerHttp2Session } from "node:http2";
import type { Caller } from "../../runtime/security.ts";

/** A caller makes one connection, or some if it has many streams. Each takes some 60 KiB. */
const DEFAULT_MOST_OF_ONE_CALLER = 500;

export interface ConnectionLimits {
  /** The most connections that one identity has open from one address. The default is 500. */
  maxConnectionsPerCaller?: number;
}

/** Counts the connections of each caller: the limits of streams and messages are worth little to whoever opens ever more connections. */
export class Connections {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor({ maxConnectionsPerCaller = DEFAULT_MOST_OF_ONE_CALLER }: ConnectionLimits) {
    this.#most = maxConnectionsPerCaller;
  }

  /** @returns whether there was room for one more. Otherwise it is closed. */
  admit(session: ServerHttp2Session, { identity }: Caller): boolean {
    const key = `${identity?.name ?? ""}@${session.socket.remoteAddress}`;
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#most) {
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return false;
    }
    this.#counts.set(key, count + 1);
    session.once("close", () => {
      const left = (this.#counts.get(key) ?? 0) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    });
    return true;
  }
}
