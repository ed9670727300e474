import type { Channel, ConsumeMessage } from "amqplib";
import type { Logger } from "../logger.ts";
import { reached } from "../steps.ts";
import { type Broker, withBroker } from "./amqp-broker.ts";
import { DEAD_EXCHANGE, EXCHANGE, eventOfMessage } from "./amqp-message.ts";
import type { Event } from "./event.ts";
import type { Time } from "./event-processor.ts";
import { keepTrying } from "./keep-trying.ts";
import type { SourceFollower } from "./source-follower.ts";

/**
 * How many messages a consumer has in hand: little is done in vain when it loses the broker.
 * They are for all sources together: one that waits holds up the others once all of them are its own.
 */
const PREFETCH = 20;
/** How long the broker waits for what a log has that the broker has not. */
const HEAD_START_MS = 5_000;

interface Delivery {
  readonly event: Event;
  readonly message: ConsumeMessage;
}

/** Handles the events that a broker has for one consumer. */
export class QueueFollower<Schema> {
  readonly #name: string;
  readonly #amqpUrl: string;
  readonly #followers: readonly SourceFollower<Schema>[];
  readonly #logger: Logger;
  readonly #time: Time;

  /** @param options.followers one for each source whose events are handled here. */
  constructor(options: {
    name: string;
    amqpUrl: string;
    followers: readonly SourceFollower<Schema>[];
    logger: Logger;
    time: Time;
  }) {
    this.#name = options.name;
    this.#amqpUrl = options.amqpUrl;
    this.#followers = options.followers;
    this.#logger = options.logger;
    this.#time = options.time;
  }

  /** Works until the signal aborts, and comes back whenever the broker is away. */
  follow(signal: AbortSignal): Promise<void> {
    return keepTrying({
      ...{ signal, time: this.#time },
      attempt: (begun) =>
        withBroker(this.#amqpUrl, signal, (broker, alive) => this.#consume(broker, begun, alive, signal)).finally(() => {
          for (const follower of this.#followers) follower.connected = false;
        }),
      onAway: (error) => this.#logger.warn({ err: error }, "the broker does not answer: events wait"),
      onBack: () => this.#logger.info("the broker answers again"),
    });
  }

  /** @param signal aborts when the connection is lost, too. @param stopping only when it is to end. */
  async #consume(broker: Broker, begun: () => void, signal: AbortSignal, stopping: AbortSignal): Promise<void> {
    const lanes = new Map(this.#followers.map((follower) => [follower.source, new Lane()]));
    const channel = await broker.answer(broker.channel(), signal);
    try {
      await broker.answer(this.#subscribe(broker, channel, lanes), signal);
    } catch (error) {
      // The broker is there and does not give the queue, as when that has lost its leader: it may take an operator until it does.
      await this.#readLogs(stopping);
      throw error;
    }
    begun();
    for (const follower of this.#followers) follower.connected = true;
    const work = this.#followers.map((follower) => this.#handle(channel, follower, lanes.get(follower.source) as Lane, signal));
    // One that fails ends them all; each finishes what it has in hand.
    const outcomes = await Promise.allSettled(
      work.map((lane) =>
        lane.catch((error) => {
          broker.lose(error);
          throw error;
        }),
      ),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Handles what the logs have that can be read now. */
  async #readLogs(stopping: AbortSignal): Promise<void> {
    const reading = this.#followers.map((follower) => {
      const away = new AbortController();
      return follower.catchUp(AbortSignal.any([stopping, away.signal]), () => away.abort());
    });
    await Promise.allSettled(reading);
  }

  async #subscribe(broker: Broker, channel: Channel, lanes: ReadonlyMap<string, Lane>): Promise<void> {
    const queue = await this.#declare(channel);
    await channel.prefetch(PREFETCH);
    await channel.consume(queue, (message) => {
      // The queue was deleted: it is declared anew.
      if (message === null) broker.lose(new Error("the broker has cancelled the consumer"));
      else this.#sort(channel, lanes, message);
    });
  }

  /** Declares what the consumer needs of the broker. @returns the name of its queue. */
  async #declare(channel: Channel): Promise<string> {
    const queue = `${this.#name}.events`;
    const dead = `${queue}.dead`;
    await channel.assertExchange(EXCHANGE, "topic", { durable: true });
    await channel.assertExchange(DEAD_EXCHANGE, "direct", { durable: true });
    await channel.assertQueue(dead, { durable: true, arguments: { "x-queue-type": "quorum" } });
    await channel.bindQueue(dead, DEAD_EXCHANGE, queue);
    await channel.assertQueue(queue, {
      durable: true,
      deadLetterExchange: DEAD_EXCHANGE,
      deadLetterRoutingKey: queue,
      // Of several replicas one has the messages, so that they stay in order. However often one is given back, it stays.
      arguments: { "x-queue-type": "quorum", "x-single-active-consumer": true, "x-delivery-limit": -1 },
    });
    // All of them: a gap in the positions then says that the broker has lost something.
    await channel.bindQueue(queue, EXCHANGE, "#");
    return queue;
  }

  /** Puts a message where its source is worked on. */
  #sort(channel: Channel, lanes: ReadonlyMap<string, Lane>, message: ConsumeMessage): void {
    try {
      const event = eventOfMessage(message);
      const lane = lanes.get(event.source);
      if (lane === undefined) channel.ack(message);
      else lane.push({ event, message });
    } catch (error) {
      this.#logger.error({ err: error }, "a message is no event: it goes to the dead letters");
      channel.nack(message, false, false);
    }
  }

  /** Handles the events of one source until the signal aborts. */
  async #handle(channel: Channel, follower: SourceFollower<Schema>, lane: Lane, signal: AbortSignal): Promise<void> {
    // What happened before the queue was there, and whatever the broker has lost, is in the log.
    // A log that is away does not hold up what the broker has, up to where that lacks something.
    const away = Promise.withResolvers<void>();
    const caughtUp = follower.catchUp(signal, away.resolve);
    await Promise.race([caughtUp, away.promise, this.#time.wait(HEAD_START_MS, signal).catch(() => {})]);
    for await (const { event, message } of lane.deliveries(signal)) {
      await follower.handleNext(event, signal);
      channel.ack(message);
      reached("events.queue.acknowledged");
    }
    await caughtUp;
  }
}

/** The messages of one source, in the order in which they have come. */
class Lane {
  readonly #waiting: Delivery[] = [];
  #wake = () => {};

  push(delivery: Delivery): void {
    this.#waiting.push(delivery);
    this.#wake();
  }

  async *deliveries(signal: AbortSignal): AsyncGenerator<Delivery> {
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        const delivery = this.#waiting.shift();
        if (delivery !== undefined) yield delivery;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }
}
