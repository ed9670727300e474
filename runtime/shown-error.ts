import { stdSerializers } from "pino";

/**
 * What of an error is shown besides its type, its message and its stack: of
 * which kind it is, and what of the program or the network it is about.
 *
 * The rest may hold data: the `detail` of PostgreSQL has whole rows, the `input`
 * of a URL that cannot be read has its password.
 */
const SHOWN: ReadonlySet<string> = new Set([
  ...["code", "errno", "errcode", "errstr", "syscall", "address", "port", "path", "reason", "kind", "details"],
  ...["severity", "schema", "table", "column", "constraint", "routine"],
]);
/** What every error has. */
const OWN: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

/** An error as it stands in the log. */
export function shownError(error: unknown): unknown {
  if (!Error.isError(error)) return { type: typeof error, message: "something was thrown that is no error" };
  const { type, message, stack, aggregateErrors, ...others } = stdSerializers.err(error);
  const properties = Object.entries(others).filter(([name, value]) => SHOWN.has(name) && typeof value !== "object");
  const errors: unknown = "errors" in error ? error.errors : undefined;
  return {
    ...{ type, message, stack },
    ...(Array.isArray(errors) && { aggregateErrors: errors.map(shownError) }),
    ...Object.fromEntries(properties),
  };
}

/** Takes from an error, and from what has caused it, whatever is not to be shown. @returns the same error. */
export function bareError(error: unknown): unknown {
  const seen = new Set<unknown>();
  for (let next = error; Error.isError(next) && !seen.has(next); next = next.cause) {
    seen.add(next);
    const hidden = Object.keys(next).filter((name) => !SHOWN.has(name) && !OWN.has(name));
    for (const name of hidden) Reflect.deleteProperty(next, name);
  }
  return error;
}
