import { constants, type ServerHttp2Stream } from "node:http2";
import { type FairBudget, overloaded } from "./fair-budget.ts";

/** Responses of fewer bytes are not counted: calls have a limit of their own. */
export const SMALL_BYTES = 4_096;
/** A response is kept as it goes out, and as it was made. */
const TIMES_ITS_BYTES = 2;
/** What a stream makes of responses in advance while its caller does not read; at least one. */
const AHEAD_BYTES = 16_384;
/** The machinery tells thousands of clients the same at the same moment: whoever reads has read by then. */
const PATIENCE_MS = 2_000;

/** Whose responses they are. */
interface Sender {
  readonly callerKey: string;
  readonly contract: { readonly infrastructure: boolean };
  /** Ends it with the status for an error. */
  fail(error: unknown): void;
}

/**
 * The responses of one call that wait to be read.
 *
 * HTTP/2 sends no more than its peer takes, and grpc-js keeps what is left
 * without a limit; of a stream sixteen responses, however large. So they count
 * against a budget, and a call for which it has too little is over. A stream
 * makes no more of them than it has to.
 */
export class UnreadResponses {
  readonly #call: Sender;
  readonly #stream: ServerHttp2Stream;
  readonly #budget: FairBudget;
  #taken = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastBytes = 0;
  #read = 0;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(call: Sender, stream: ServerHttp2Stream, budget: FairBudget) {
    this.#call = call;
    this.#stream = stream;
    this.#budget = budget;
    stream.once("close", () => this.#changed());
  }

  /** A response has been written to the stream. */
  written(): void {
    const unread = this.#stream.writableLength;
    this.#lastBytes = unread;
    if (unread <= SMALL_BYTES) return;
    if (!this.#call.contract.infrastructure) this.#changed();
    else this.#timer ??= setTimeout(() => this.#changed(), PATIENCE_MS).unref();
  }

  /** A response is on its way. */
  read(): void {
    this.#read++;
    if (this.#taken > 0 || this.#timer !== undefined) this.#changed();
    this.#wake?.();
  }

  /** Resolves when the stream may make another response. Undefined: it may. @param made how many it has made. */
  room(made: number): Promise<void> | undefined {
    const full = () => !this.#over && (made - this.#read) * this.#lastBytes > AHEAD_BYTES;
    if (!full()) return undefined;
    return new Promise((resolve) => {
      this.#wake = () => {
        if (!full()) resolve();
      };
    });
  }

  /** The call is over. */
  finish(): void {
    this.#over = true;
    this.#wake?.();
  }

  /** Takes of the budget what is unread now, or gives back what is not. */
  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unread = this.#stream.destroyed ? 0 : this.#stream.writableLength;
    const bytes = unread > SMALL_BYTES ? unread * TIMES_ITS_BYTES : 0;
    const more = bytes - this.#taken;
    if (more > 0 && !this.#budget.take(this.#call.callerKey, more)) {
      this.#refuse();
      return;
    }
    if (more < 0) this.#budget.give(this.#call.callerKey, -more);
    this.#taken = bytes;
  }

  #refuse(): void {
    this.#call.fail(overloaded("too many responses wait to be read"));
    // The status would stand behind what is not read. Callers take this code for RESOURCE_EXHAUSTED.
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // With something left to be sent it would not be let go.
    setImmediate(() => this.#stream.destroy());
  }
}
