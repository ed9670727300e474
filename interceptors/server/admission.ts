import { overloaded } from "./fair-budget.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import type { ServerCall } from "./server-call.ts";

/** Of a limit, so much comes on top for callers who have little: whoever takes all there is must not shut out the others. */
const RESERVE = 1 / 4;
/** Of the reserve, so much is for one caller. */
const RESERVE_FOR_ONE = 1 / 2;
/** Of one caller. A check takes no time: it has so many open only if it does not read the answers. */
const MOST_CHECKS = 250;
/** Streams that watch health, and of reflection, of one caller. */
const MOST_WATCHES = 100;
/** Streams of other machinery, which is xDS, of one caller: more than one with 2,000 xDS clients has. */
const MOST_OTHER_STREAMS = 3_000;

export interface AdmissionOptions {
  /** The most unary calls that are worked on at once. */
  maxCallsInFlight: number;
  /** The most streams that are open at once. Each takes about 30 KiB, besides what its handler keeps. */
  maxOpenStreams: number;
}

/**
 * Refuses calls over the limit with RESOURCE_EXHAUSTED, so that those that were
 * admitted still finish in time.
 *
 * A call counts until its handler has returned, also when its caller has left,
 * and until its responses have been read or given up: callers who leave early
 * cannot pile up work, nor those who do not read what it leaves. Streams are counted apart, as
 * they stay open for an hour doing little. When there is no room left, callers
 * who have few calls get some of a reserve: nobody shuts the others out by
 * taking all there is.
 *
 * Health checks are not refused for what others do: an orchestrator would restart
 * a process for being busy. Of them, and of streams that watch health, one
 * caller has only so many, apart from all others.
 */
export function admission(options: AdmissionOptions): ServerInterceptor {
  const unary = new Room(options.maxCallsInFlight);
  const streams = new Room(options.maxOpenStreams);
  const checks = new Room(Number.POSITIVE_INFINITY, MOST_CHECKS);
  const watches = new Room(Number.POSITIVE_INFINITY, MOST_WATCHES);
  const otherStreams = new Room(Number.POSITIVE_INFINITY, MOST_OTHER_STREAMS);
  const roomFor = ({ contract }: ServerCall): Room => {
    const isUnary = contract.kind === "unary";
    if (!contract.infrastructure) return isUnary ? unary : streams;
    if (isUnary) return checks;
    return contract.service.startsWith("grpc.") ? watches : otherStreams;
  };
  return {
    start(call) {
      if (!roomFor(call).take(whoOf(call))) throw overloaded("too many calls in flight");
    },
    settle(call) {
      roomFor(call).giveBack(whoOf(call));
    },
  };
}

/** Who has no identity is known by address: one of them is not to take the room of another. */
function whoOf({ caller, peer }: ServerCall): string {
  return caller?.name ?? peer.slice(0, peer.lastIndexOf(":"));
}

/** So many places, and a reserve for those who have few. */
class Room {
  readonly #places: number;
  readonly #mostOfOne: number;
  readonly #reserve: number;
  readonly #reserveForOne: number;
  readonly #takenBy = new Map<string, number>();
  #taken = 0;

  constructor(places: number, mostOfOne = places) {
    this.#places = places;
    this.#mostOfOne = mostOfOne;
    this.#reserve = Math.floor(places * RESERVE);
    this.#reserveForOne = Math.floor(this.#reserve * RESERVE_FOR_ONE);
  }

  /** @returns whether there was a place for the caller. */
  take(caller: string): boolean {
    const own = this.#takenBy.get(caller) ?? 0;
    if (own >= this.#mostOfOne) return false;
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
