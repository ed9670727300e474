import { Failure } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

/** How long a refused caller should wait: about what a burst takes to pass. */
const RETRY_AFTER_MS = 250;
/** Of a limit, so much comes on top for callers who have little: whoever takes all there is must not shut out the others. */
const RESERVE = 1 / 4;
/** Of the reserve, so much is for one caller. */
const RESERVE_FOR_ONE = 1 / 2;
/** Streams that watch health, reflection and xDS, of one caller: more than one with 2,000 xDS clients has. */
const MOST_INFRASTRUCTURE_STREAMS = 3_000;

export interface AdmissionOptions {
  /** The most unary calls that are worked on at once. */
  maxCallsInFlight: number;
  /** The most streams that are open at once. */
  maxOpenStreams: number;
}

/**
 * Refuses calls over the limit with RESOURCE_EXHAUSTED, so that those that were
 * admitted still finish in time.
 *
 * A call counts until its handler has returned, also when its caller has left:
 * callers who leave early cannot pile up work. Streams are counted apart, as
 * they stay open for an hour doing little. When there is no room left, callers
 * who have few calls get some of a reserve: nobody shuts the others out by
 * taking all there is.
 *
 * Health checks are never refused: an orchestrator would restart a process for
 * being busy. Of streams that watch health one caller has only so many, apart
 * from all others.
 */
export function admission(options: AdmissionOptions): ServerInterceptor {
  const unary = new Room(options.maxCallsInFlight);
  const streams = new Room(options.maxOpenStreams);
  const infrastructure = new Map<string, Room>();
  const roomFor = ({ contract, caller }: ServerCall): Room | undefined => {
    const isUnary = contract.kind === "unary";
    if (!contract.infrastructure) return isUnary ? unary : streams;
    if (isUnary) return undefined;
    const name = caller?.name ?? "";
    const room = infrastructure.get(name) ?? new Room(MOST_INFRASTRUCTURE_STREAMS, 0);
    infrastructure.set(name, room);
    return room;
  };
  return {
    start(call) {
      if (roomFor(call)?.take(call.caller?.name ?? "") !== false) return;
      throw new Failure("exhausted", "too many calls in flight", { reason: "OVERLOADED", retryAfterMs: RETRY_AFTER_MS });
    },
    settle(call) {
      roomFor(call)?.giveBack(call.caller?.name ?? "");
    },
  };
}

/** So many places, and a reserve for those who have few. */
class Room {
  readonly #places: number;
  readonly #reserve: number;
  readonly #reserveForOne: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;

  constructor(places: number, reserve = RESERVE) {
    this.#places = places;
    this.#reserve = Math.floor(places * reserve);
    this.#reserveForOne = Math.floor(this.#reserve * RESERVE_FOR_ONE);
  }

  /** @returns whether there was a place for the caller. */
  take(caller: string): boolean {
    const own = this.#takenBy.get(caller) ?? 0;
    if (this.#taken >= this.#places && (own >= this.#reserveForOne || this.#taken >= this.#places + this.#reserve)) return false;
    this.#taken++;
    this.#takenBy.set(caller, own + 1);
    return true;
  }

  giveBack(caller: string): void {
    this.#taken--;
    const own = (this.#takenBy.get(caller) ?? 1) - 1;
    if (own > 0) this.#takenBy.set(caller, own);
    else this.#takenBy.delete(caller);
  }
}
