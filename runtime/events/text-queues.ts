import type { ConfirmChannel } from "amqplib";
import { type Broker, orAborted } from "./amqp-broker.ts";

/** What nobody has read for a week goes: a broker that is full takes no events either. Queues stay without arguments, as others declare them. */
const KEPT_MS = 604_800_000;
/** The reply code of AMQP for a queue that is there, declared otherwise. */
const PRECONDITION_FAILED = 406;

/** A text for a durable queue, which programs read that know nothing of events. */
export interface QueuedText {
  readonly queue: string;
  readonly body: string;
  /** Of the event that it tells of. */
  readonly id: string;
}

/** Texts for queues of others, on a channel of their own: what such a queue refuses holds up no events. */
export class TextQueues {
  readonly #broker: Broker;
  readonly #onRefused: (queue: string, error?: unknown) => void;
  /** Those that are there. */
  readonly #known = new Set<string>();
  #channel: ConfirmChannel | undefined;

  /** @param onRefused told of each text that its queue has not taken. */
  constructor(broker: Broker, onRefused: (queue: string, error?: unknown) => void) {
    this.#broker = broker;
    this.#onRefused = onRefused;
  }

  /**
   * Resolves when each text is taken or refused.
   *
   * @param signal aborts when the connection is lost, too.
   * @throws when the signal aborts.
   */
  async send(texts: readonly QueuedText[], signal: AbortSignal): Promise<void> {
    if (texts.length === 0) return;
    try {
      for (const { queue } of texts) if (!this.#known.has(queue)) await this.#declare(queue, signal);
      const channel = await this.#open(signal);
      const errors = await orAborted(Promise.all(texts.map((text) => put(channel, text))), signal);
      // Nothing is refused by a connection that is lost: all of it is sent again.
      signal.throwIfAborted();
      for (const [index, { queue }] of texts.entries()) if (errors[index] !== null) this.#onRefused(queue, errors[index]);
    } catch (error) {
      if (signal.aborted) throw error;
      for (const { queue } of texts) this.#onRefused(queue, error);
    }
  }

  async #open(signal: AbortSignal): Promise<ConfirmChannel> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = await this.#broker.answer(this.#broker.spareConfirmChannel(), signal);
    channel.on("close", () => {
      this.#channel = undefined;
    });
    channel.on("return", ({ fields }) => {
      // Somebody has deleted the queue: the next text declares it anew.
      this.#known.delete(fields.routingKey);
      this.#onRefused(fields.routingKey);
    });
    this.#channel = channel;
    return channel;
  }

  /** Makes sure that there is such a queue: whoever has declared it otherwise knows why. */
  async #declare(queue: string, signal: AbortSignal): Promise<void> {
    const channel = await this.#broker.answer(this.#broker.spareChannel(), signal);
    try {
      await this.#broker.answer(channel.assertQueue(queue, { durable: true }), signal);
      await this.#broker.answer(channel.close(), signal);
    } catch (error) {
      // The broker has closed the channel with it.
      if ((error as { code?: unknown }).code !== PRECONDITION_FAILED) throw error;
    }
    this.#known.add(queue);
  }
}

/** @returns why the text was not taken; null if it was. */
function put(channel: ConfirmChannel, { queue, body, id }: QueuedText): Promise<unknown> {
  const options = { persistent: true, mandatory: true, messageId: id, expiration: KEPT_MS };
  return new Promise((resolve) => {
    channel.sendToQueue(queue, Buffer.from(body), options, resolve);
  });
}
