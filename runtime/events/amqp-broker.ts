import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";

const CONNECT_MS = 5_000;
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

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#watch(await this.#connection.createConfirmChannel());
  }

  async close(): Promise<void> {
    // What is lost already need not be closed.
    await this.#connection.close().catch(() => {});
  }

  /** An error event that nobody listens to would end the process. */
  #watch<T extends Channel | ChannelModel>(emitter: T): T {
    emitter.on("error", (error: Error) => this.lose(error));
    emitter.on("close", (error?: Error) => this.lose(error ?? new Error("the connection to the broker was closed")));
    return emitter;
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
