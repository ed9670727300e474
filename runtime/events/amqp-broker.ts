import type { Socket } from "node:net";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";

const CONNECT_MS = 5_000;
/** A broker may take a connection and not answer on it, as while a queue has no leader. */
const ANSWER_MS = 10_000;
const CLOSE_MS = 1_000;
/** A broker that is gone without a word is noticed within twice this time. */
const HEARTBEAT_SECONDS = "10";

/** One connection to a broker, for as long as it lasts. */
export class Broker {
  readonly #connection: ChannelModel;
  readonly #lost = new AbortController();

  constructor(connection: ChannelModel) {
    this.#connection = connection;
    this.#watch(connection);
  }

  /** Aborts when the connection, or one of its channels, is lost. The reason says why. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives the connection up. */
  lose(error: Error): void {
    this.#lost.abort(error);
  }

  async channel(): Promise<Channel> {
    return this.#watch(await this.#connection.createChannel());
  }

  /** For what the broker may refuse, by which it closes the channel: the connection is not lost by that. */
  async spareChannel(): Promise<Channel> {
    return leftAlone(await this.#connection.createChannel());
  }

  /** Likewise. */
  async spareConfirmChannel(): Promise<ConfirmChannel> {
    return leftAlone(await this.#connection.createConfirmChannel());
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#watch(await this.#connection.createConfirmChannel());
  }

  /** The answer of the broker, which is given up if there is none in time. */
  async answer<T>(asked: Promise<T>, signal: AbortSignal): Promise<T> {
    const late = setTimeout(() => this.lose(new Error(`the broker has not answered in ${ANSWER_MS} ms`)), ANSWER_MS);
    try {
      return await orAborted(asked, AbortSignal.any([signal, this.lost]));
    } finally {
      clearTimeout(late);
    }
  }

  async close(): Promise<void> {
    // What is lost already need not be closed, and what does not answer cannot be.
    const closing = this.#connection.close().catch(() => {});
    await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
    (this.#connection.connection as unknown as { stream: Socket }).stream.destroy();
  }

  /** An error event that nobody listens to would end the process. */
  #watch<T extends Channel | ChannelModel>(emitter: T): T {
    emitter.on("error", (error: Error) => this.lose(error));
    emitter.on("close", (error?: Error) => this.lose(error ?? new Error("the connection to the broker was closed")));
    return emitter;
  }
}

/** Whoever asks for something on the channel is told what it fails by. */
function leftAlone<T extends Channel>(channel: T): T {
  channel.on("error", () => {});
  return channel;
}

/** @throws the reason of the signal as soon as it aborts. What goes on then is not waited for. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    work.catch(() => {});
  }
}

/**
 * Connects to a broker and works with it.
 *
 * @param work is given a signal that aborts when the connection is lost, or the given signal aborts.
 * @throws what the connection was lost by.
 */
export async function withBroker(
  url: string,
  signal: AbortSignal,
  work: (broker: Broker, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const broker = new Broker(await connect(withHeartbeat(url), { timeout: CONNECT_MS }));
  try {
    await work(broker, AbortSignal.any([signal, broker.lost]));
  } catch (error) {
    // Whatever fails because the connection is lost says less than that.
    throw broker.lost.aborted ? broker.lost.reason : error;
  } finally {
    await broker.close();
  }
  if (!signal.aborted) broker.lost.throwIfAborted();
}

function withHeartbeat(url: string): string {
  const address = new URL(url);
  if (!address.searchParams.has("heartbeat")) address.searchParams.set("heartbeat", HEARTBEAT_SECONDS);
  return address.href;
}
