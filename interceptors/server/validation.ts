import { Failure } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Enough to mend a form with; a request can break thousands of rules. */
const MAX_VIOLATIONS = 25;

/** Refuses request messages that break rules of the contract, and lists every rule they break. */
export function validation(): ServerInterceptor {
  return {
    message(call, message) {
      const violations = call.contract.validate(message);
      if (violations.length === 0) return;
      const listed = violations.slice(0, MAX_VIOLATIONS);
      const sentences = listed.map(({ field, description }) => `${field} ${description}`);
      throw new Failure("invalid", sentences.join("; "), { reason: "INVALID_FIELDS", violations: listed });
    },
  };
}
