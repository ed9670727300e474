import { Status } from "nice-grpc-common";
import { Failure } from "../../runtime/errors.ts";
import { type FairBudget, overloaded } from "./fair-budget.ts";
import { BETWEEN_MESSAGES, type Decoder, type Inside, keepNoMoreThanNeeded } from "./grpc-inside.ts";
import type { CallStatus, ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

/** What a message takes besides its bytes. */
const MESSAGE_BYTES = 256;
/** What it takes to inflate a message, besides what comes out. */
const INFLATING_BYTES = 65_536;
/** Whoever has not even this left has no calls. */
const LEAST_BYTES = 1_024;
/** What comes in one piece and is no larger than this is not counted: calls in flight have a limit of their own. */
const SMALL_BYTES = 1_024;

/**
 * Refuses a request that is larger than the contract of its method allows as
 * soon as it says so, and one for which there is no room at the moment.
 *
 * grpc-js gathers and inflates a message of every call before anybody can look
 * at it. So the bytes of all calls are counted while they are gathered; those of
 * a stream until the message is with the handler, others until the call is over.
 */
export function requestMemory({ budget }: { budget: FairBudget }): ServerInterceptor {
  return {
    start(call) {
      // Its answer would be made for nothing. Health checks tell of the process, whatever its callers do.
      if (!call.contract.infrastructure && !budget.has(call.callerKey, LEAST_BYTES)) throw noRoom();
      (call.inside.decoder as WatchedDecoder)[REQUEST] = new Request(call, budget);
    },
    message(call) {
      (call.inside.decoder as WatchedDecoder)[REQUEST].delivered();
    },
    settle(call) {
      (call.inside.decoder as WatchedDecoder)[REQUEST].close();
    },
  };
}

/** Under which the decoder of a call has what is said about it here. */
const REQUEST = Symbol("request");
interface WatchedDecoder extends Decoder {
  [REQUEST]: Request;
}

interface Message {
  bytes: number;
}

/** For a call that has its status. */
const OVER: CallStatus = { code: Status.CANCELLED, details: "the call is over" };

/** What one call takes. */
class Request {
  readonly #call: ServerCall;
  readonly #budget: FairBudget;
  readonly #caller: string;
  readonly #streamed: boolean;
  readonly #inflates: boolean;
  /** What each message of a stream takes that is complete and not with the handler. */
  readonly #waiting: Message[] = [];
  #delivered = 0;
  #taken = 0;
  #closed = false;

  constructor(call: ServerCall, budget: FairBudget) {
    this.#call = call;
    this.#budget = budget;
    this.#caller = call.callerKey;
    this.#streamed = call.contract.kind === "client_streaming" || call.contract.kind === "bidi_streaming";
    const { maxRequestBytes } = call.contract;
    const { inside } = call;
    inside.maxReceiveMessageSize = maxRequestBytes;
    const decoder = inside.decoder as WatchedDecoder;
    decoder.maxReadMessageLength = maxRequestBytes;
    // The same function for all calls: to make it anew each time shows in the benchmark.
    decoder.write = write;
    this.#inflates = inside.incomingEncoding !== "identity";
    if (this.#inflates) this.#watchInflating(inside);
  }

  /** The bytes that have come are counted, and decoded if there is room for them. */
  gather(data: Buffer, decoder: WatchedDecoder): Buffer[] {
    const small = !this.#streamed && !this.#inflates && this.#taken === 0 && data.length <= SMALL_BYTES;
    if (!small && !this.#take(data.length)) return [];
    let messages: Buffer[];
    try {
      messages = (Object.getPrototypeOf(decoder) as Decoder).write.call(decoder, data);
    } catch {
      this.#refuseAsTooLarge();
      return [];
    }
    if (decoder.readState !== BETWEEN_MESSAGES) keepNoMoreThanNeeded(decoder);
    else if (small && messages.length === 1) return messages;
    if (small && !this.#take(data.length)) return [];
    for (const { length } of messages) {
      if (!this.#take(MESSAGE_BYTES)) return [];
      if (this.#streamed) this.#waiting.push({ bytes: length + MESSAGE_BYTES });
    }
    return messages;
  }

  /** A message is with the handler: what it does with those of a stream is its own affair. */
  delivered(): void {
    if (!this.#streamed) return;
    this.#delivered++;
    this.#give(this.#waiting.shift()?.bytes ?? 0);
  }

  close(): void {
    this.#give(this.#taken);
    this.#closed = true;
  }

  /** One message after the other: a few bytes can be thousands of them, and each takes room and a thread. */
  #watchInflating(inside: Inside): void {
    const decompress = inside.decompressMessage.bind(inside);
    let before: Promise<unknown> = Promise.resolve();
    let seen = 0;
    inside.decompressMessage = (frame, encoding) => {
      // Those that have been delivered are in #waiting no more.
      const message = this.#waiting[seen++ - this.#delivered];
      const inflated = before.then(() => this.#inflate(message, () => decompress(frame, encoding)));
      before = inflated.catch(() => {});
      return inflated;
    };
  }

  async #inflate(message: Message | undefined, decompress: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array> {
    const room = INFLATING_BYTES + this.#call.contract.maxRequestBytes;
    if (!this.#take(room)) throw OVER;
    let inflated: Uint8Array | undefined;
    try {
      inflated = await decompress();
      return inflated;
    } catch (error) {
      if ((error as Partial<CallStatus>).code === Status.RESOURCE_EXHAUSTED) this.#refuseAsTooLarge();
      throw error;
    } finally {
      const kept = inflated?.length ?? 0;
      this.#give(room - kept);
      if (message !== undefined) message.bytes += kept;
    }
  }

  #refuseAsTooLarge(): void {
    const { maxRequestBytes } = this.#call.contract;
    const details = `the request is larger than ${maxRequestBytes} bytes`;
    this.#call.fail(new Failure("exhausted", details, { reason: "REQUEST_TOO_LARGE" }));
  }

  /** @returns whether there is enough. Otherwise the call is over. */
  #take(bytes: number): boolean {
    if (this.#closed) return false;
    if (this.#budget.take(this.#caller, bytes)) {
      this.#taken += bytes;
      return true;
    }
    this.#call.fail(noRoom());
    return false;
  }

  #give(bytes: number): void {
    if (this.#closed) return;
    this.#taken -= bytes;
    this.#budget.give(this.#caller, bytes);
  }
}

function write(this: WatchedDecoder, data: Buffer): Buffer[] {
  return this[REQUEST].gather(data, this);
}

function noRoom(): Failure {
  return overloaded("too many messages are under way");
}
