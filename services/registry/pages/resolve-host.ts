import { lookup } from "node:dns/promises";
import { Failure } from "../../../runtime/errors.ts";

const ANSWER_MS = 3_000;
/** The system looks up a few names at a time; whoever asks for many that nobody knows must not make others wait for long. */
const MOST_LOOKUPS = 16;
const RETRY_AFTER_MS = 1_000;

/** What a lookup fails with if there is no such host, rather than nobody to ask. */
const NO_SUCH_HOST = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * Finds the IP address of a host as the system does, by /etc/hosts and DNS; the IPv4 address if it has both.
 *
 * @throws Failure "invalid" if there is no such host, "unavailable" if nobody can tell at the moment.
 */
export function hostResolver(find: (host: string) => Promise<{ address: string }> = findHost): (host: string) => Promise<string> {
  let lookups = 0;
  return async (host) => {
    if (lookups >= MOST_LOOKUPS) throw unavailable();
    lookups++;
    // Counted until it is over, also when nobody waits for it any more: it cannot be called off.
    const found = find(host).finally(() => lookups--);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(unavailable()), ANSWER_MS);
    });
    try {
      return (await Promise.race([found, late])).address;
    } catch (error) {
      if (error instanceof Failure) throw error;
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (NO_SUCH_HOST.has(code)) throw new Failure("invalid", "no such host", { cause: error });
      throw unavailable(error);
    } finally {
      clearTimeout(timer);
    }
  };
}

function findHost(host: string): Promise<{ address: string }> {
  return lookup(host, { order: "ipv4first" });
}

function unavailable(cause?: unknown): Failure {
  return new Failure("unavailable", "the host cannot be looked up now", { retryAfterMs: RETRY_AFTER_MS, cause });
}
