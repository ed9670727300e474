import { randomUUID } from "node:crypto";
import type { ConfirmChannel } from "amqplib";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Logger } from "../logger.ts";
import { reached } from "../steps.ts";
import { type Broker, orAborted, withBroker } from "./amqp-broker.ts";
import { EXCHANGE, propertiesOf } from "./amqp-message.ts";
import type { Event } from "./event.ts";
import type { EventLog } from "./event-log.ts";
import { systemTime, type Time } from "./event-processor.ts";
import { EVENTS_GONE } from "./event-source.ts";
import { keepTrying } from "./keep-trying.ts";
import { LEASE_MS, RelayLease } from "./relay-lease.ts";
import { type QueuedText, TextQueues } from "./text-queues.ts";

/** What else is sent to the broker for an event: a text to a durable queue. */
export type AlsoPublish = (event: Event) => { queue: string; body: string } | undefined;

/** How events get to the broker. */
interface Way {
  readonly channel: ConfirmChannel;
  readonly texts: TextQueues;
  /** To be called when something was handed on, or there is nothing to. */
  begun(): void;
}

/** Thrown when it is not the broker that fails, but the store of the log. */
class StoreAway extends Error {
  override readonly name = "StoreAway";
}

/** Thrown when a queue that is bound to the exchange refuses an event, as one does that is full. */
class Refused extends Error {
  override readonly name = "Refused";
}

/**
 * Hands the events of a log on to a broker, in their order, as the only one of all replicas.
 *
 * What the broker has not confirmed is sent again, so an event may come twice,
 * but never before the one that happened before it.
 */
export class Relay {
  readonly #log: EventLog;
  readonly #amqpUrl: string;
  readonly #alsoPublish: AlsoPublish;
  readonly #logger: Logger;
  readonly #time: Time;
  readonly #lease: RelayLease;
  readonly #relayed: Counter;
  readonly #unroutable: Counter;
  readonly #refused: Counter;
  #toldOfRefusal = false;

  constructor(
    log: EventLog,
    options: { amqpUrl: string; logger: Logger; metrics: Registry; alsoPublish?: AlsoPublish; time?: Partial<Time> },
  ) {
    this.#log = log;
    this.#amqpUrl = options.amqpUrl;
    this.#alsoPublish = options.alsoPublish ?? (() => undefined);
    this.#logger = options.logger;
    this.#time = { ...systemTime, ...options.time };
    this.#lease = new RelayLease(log, randomUUID(), this.#time.now);
    const registers = [options.metrics];
    this.#relayed = new Counter({
      ...{ name: "bookmesh_events_relayed_total", help: "Events that the broker has confirmed to have", registers },
    });
    this.#unroutable = new Counter({
      ...{ name: "bookmesh_events_unroutable_total", help: "Events that no queue of the broker has taken", registers },
    });
    this.#refused = new Counter({
      ...{ name: "bookmesh_events_refused_total", help: "Texts for other programs that their queue has not taken", registers },
    });
    new Gauge({
      ...{ name: "bookmesh_events_unrelayed", help: "Events that the broker has not yet confirmed to have", registers },
      async collect() {
        // While the store is away, the last number is the best there is.
        await log.state().then(
          ({ lastPosition, relayedPosition }) => this.set(lastPosition - relayedPosition),
          () => {},
        );
      },
    });
  }

  /** Works until the signal aborts, and comes back whenever broker or store are away. */
  async run(signal: AbortSignal): Promise<void> {
    let away = "the broker";
    await keepTrying({
      ...{ signal, time: this.#time },
      attempt: (begun) => withBroker(this.#amqpUrl, signal, (broker, alive) => this.#work(broker, begun, alive)),
      onAway: (error) => {
        away = error instanceof StoreAway ? "the store" : "the broker";
        if (error instanceof Refused) this.#logger.warn("a queue of the broker refuses events: they wait");
        else this.#logger.warn({ err: error instanceof StoreAway ? error.cause : error }, `${away} does not answer: events wait`);
      },
      onBack: () => this.#logger.info(`${away} answers again`),
    });
    // Another replica need not wait for the lease to run out.
    await this.#lease.release().catch(() => {});
  }

  async #work(broker: Broker, begun: () => void, alive: AbortSignal): Promise<void> {
    const channel = await broker.answer(broker.confirmChannel(), alive);
    await broker.answer(channel.assertExchange(EXCHANGE, "topic", { durable: true }), alive);
    this.#watchReturned(channel);
    const texts = new TextQueues(broker, (queue, error) => this.#noteRefusal(queue, error));
    try {
      while (!alive.aborted) await this.#takeTurn({ channel, texts, begun }, alive);
    } catch (error) {
      if (alive.aborted || error instanceof Refused) throw error;
      throw new StoreAway("the store does not answer", { cause: error });
    }
  }

  /** Hands on what there is for as long as this process has the lease, or waits a while for it. */
  async #takeTurn(way: Way, signal: AbortSignal): Promise<void> {
    const position = await this.#lease.take();
    if (position === undefined) {
      way.begun();
      return this.#time.wait(LEASE_MS / 3, signal);
    }
    try {
      await this.#handOn(way, position, signal);
    } catch (error) {
      if ((error as { reason?: unknown }).reason !== EVENTS_GONE) throw error;
      if (await this.#lease.beginAnew(position)) {
        this.#logger.error({ position }, "events are gone that no broker has: the log is handed on from its beginning");
      }
    }
  }

  async #handOn({ channel, texts, begun }: Way, start: number, signal: AbortSignal): Promise<void> {
    let relayed = start;
    for await (const { events, position } of this.#log.follow({ afterPosition: start }, signal)) {
      if (events.length === 0) {
        begun();
        continue;
      }
      // Somebody else may have had the lease since, and be further.
      if ((await this.#lease.take()) !== relayed) return;
      for (const event of events) channel.publish(EXCHANGE, event.type, event.data, propertiesOf(event));
      await texts.send(this.#textsOf(events), signal);
      reached("events.relay.published");
      await orAborted(channel.waitForConfirms().catch(refused), signal);
      reached("events.relay.confirmed");
      if (!(await this.#lease.note(position))) return;
      begun();
      this.#relayed.inc(events.length);
      relayed = position;
    }
  }

  #textsOf(events: readonly Event[]): QueuedText[] {
    return events.flatMap((event) => {
      const text = this.#alsoPublish(event);
      return text === undefined ? [] : [{ ...text, id: event.id }];
    });
  }

  /** Told of once, and counted each time. */
  #noteRefusal(queue: string, error: unknown): void {
    this.#refused.inc();
    if (!this.#toldOfRefusal)
      this.#logger.warn({ err: error, queue }, "a queue of other programs does not take texts: they are lost to it");
    this.#toldOfRefusal = true;
  }

  /** That no queue takes an event is no loss: who comes later reads the log first. */
  #watchReturned(channel: ConfirmChannel): void {
    let told = false;
    channel.on("return", () => {
      this.#unroutable.inc();
      if (!told) this.#logger.warn("no queue takes the events: nobody has followed them by the broker yet");
      told = true;
    });
  }
}

function refused(error: unknown): never {
  throw new Refused("a queue refuses events", { cause: error });
}
