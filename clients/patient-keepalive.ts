import { createRequire } from "node:module";

/** What a connection of grpc-js keeps to itself. */
interface Transport {
  readonly keepaliveTimeoutMs: number;
  /** While a ping is on its way, when it is given up. */
  keepaliveTimer: NodeJS.Timeout | null;
  maybeSendPing(): void;
  handleDisconnect(): void;
}

interface Connector {
  createSession(...details: unknown[]): Promise<Transport>;
}

/** In how many parts a peer's time to answer is counted. */
const PARTS = 8;
/** Whoever is held up all the time cannot tell, and gives up in the end. */
const MOST_HELD_UP = 24;

let patient = false;

/**
 * Lets no connection be given up because this process was held up itself.
 *
 * grpc-js gives a peer so many milliseconds to answer a ping. Of a process that
 * did nothing meanwhile (a long computation, no share of the processor) the timer
 * goes off before it looks at what has come, so it cuts off peers that have
 * answered, and fails the calls that they have. Here the time is counted in
 * parts, and one in which the process was held up does not count.
 */
export function patientKeepalive(): void {
  if (patient) return;
  patient = true;
  const { Http2SubchannelConnector } = createRequire(import.meta.url)("@grpc/grpc-js/build/src/transport.js") as {
    Http2SubchannelConnector: { readonly prototype: Connector };
  };
  const { prototype } = Http2SubchannelConnector;
  const { createSession } = prototype;
  prototype.createSession = async function (...details) {
    const transport = await createSession.apply(this, details);
    teach(Object.getPrototypeOf(transport));
    return transport;
  };
}

const taught = new WeakSet<Transport>();

/** grpc-js hands out no class of its connections, but each of them knows it. */
function teach(prototype: Transport): void {
  if (taught.has(prototype)) return;
  taught.add(prototype);
  const { maybeSendPing } = prototype;
  if (maybeSendPing === undefined) throw new Error("grpc-js sends no pings that way: has it changed?");
  prototype.maybeSendPing = function () {
    const before = this.keepaliveTimer;
    maybeSendPing.call(this);
    if (this.keepaliveTimer === null || this.keepaliveTimer === before) return;
    clearTimeout(this.keepaliveTimer);
    awaitAnswer(this, PARTS, MOST_HELD_UP);
  };
}

/** @param parts how many are left; @param spare how many more there may be in which this process was held up. */
function awaitAnswer(transport: Transport, parts: number, spare: number): void {
  const ms = transport.keepaliveTimeoutMs / PARTS;
  const startedAt = performance.now();
  const timer = setTimeout(() => {
    const heldUp = performance.now() - startedAt > 2 * ms && spare > 0;
    if (heldUp) return awaitAnswer(transport, parts, spare - 1);
    if (parts > 1) return awaitAnswer(transport, parts - 1, spare);
    // Behind what has come by now, the answer perhaps.
    setImmediate(() => {
      if (transport.keepaliveTimer !== timer) return;
      transport.keepaliveTimer = null;
      transport.handleDisconnect();
    });
  }, ms).unref();
  transport.keepaliveTimer = timer;
}
