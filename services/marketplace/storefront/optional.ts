import { ClientError, Status } from "nice-grpc-common";

/** A page without one of its parts now is better than the whole of it later. */
export const PATIENCE_MS = 1_000;

/**
 * A part of a page that the page can do without.
 *
 * @returns undefined if the call for it has failed. The client has logged that.
 */
export async function optional<T>(part: Promise<T>): Promise<T | undefined> {
  try {
    return await part;
  } catch (error) {
    // A mistake of whoever asks for the page, or of the page: no break of a service.
    if (!(error instanceof ClientError) || error.code === Status.INVALID_ARGUMENT) throw error;
    return undefined;
  }
}
