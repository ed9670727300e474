import { Status } from "nice-grpc-common";
import { CallFailure } from "../../../clients/call-failure.ts";

/** What is not there need not be shown, and not be taken away. */
export function unlessGone(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** That it is not there is an answer too. */
export function isNotThere(error: unknown): false {
  if (isNotFound(error)) return false;
  throw error;
}

function isNotFound(error: unknown): boolean {
  return error instanceof CallFailure && error.code === Status.NOT_FOUND;
}
