import { constants } from "node:http2";
import { ServerCall } from "../../interceptors/server/server-call.ts";
import { currentCall } from "../../runtime/call-context.ts";
import { Failure } from "../../runtime/errors.ts";

/**
 * Passes on the messages of a call, and ends the call when its reader takes
 * none for `idleMs`.
 *
 * How long it takes to make a message does not count.
 */
export async function* endedAtStandstill<T>(messages: AsyncIterable<T>, idleMs: number): AsyncGenerator<T> {
  const call = currentCall();
  let offered = false;
  const timer = setTimeout(() => {
    if (offered) cut(call);
    else timer.refresh();
  }, idleMs);
  try {
    for await (const message of messages) {
      timer.refresh();
      offered = true;
      yield message;
      offered = false;
    }
  } finally {
    clearTimeout(timer);
  }
}

function cut(call: unknown): void {
  if (!(call instanceof ServerCall)) return;
  call.fail(new Failure("deadline-exceeded", "nothing was taken for too long: go on from the offset"));
  const { stream } = call.inside;
  // The status would stand behind what is not read.
  stream.close(constants.NGHTTP2_CANCEL);
  // With something left to be sent it would not be let go.
  setImmediate(() => stream.destroy());
}
