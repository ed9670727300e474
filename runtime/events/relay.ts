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

/** What else is sent to the broker for an event: a text to a durable queue. */
export type AlsoPublish = (event: Event) => { queue: string; body: string } | undefined;

/** What nobody has read for a week goes: a broker that is full takes no events either. Queues stay without arguments, as others declare them. */
const KEPT_MS = 604_800_000;
/** The reply code of AMQP for a queue that is there, declared otherwise. */
const PRECONDITION_FAILED = 406;

/** How events get to the broker. */
interface Way {
  readonly broker: Broker;
  readonly channel: ConfirmChannel;
  /** Those that are there. */
  readonly queues: Set<string>;
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
    await keepTrying({
      ...{ signal, time: this.#time },
      attempt: (begun) =>
        withBroker(this.#amqpUrl, signal, async (broker, alive) => {
          const channel = await broker.answer(broker.confirmChannel(), alive);
          await broker.answer(channel.assertExchange(EXCHANGE, "topic", { durable: true }), alive);
          begun();
          this.#watchReturned(channel);
          const queues = new Set<string>();
          while (!alive.aborted) await this.#takeTurn({ broker, channel, queues }, alive);
        }),
      onAway: (error) => this.#logger.warn({ err: error }, "the broker does not answer: events wait"),
      onBack: () => this.#logger.info("the broker answers again"),
    });
    // Another replica need not wait for the lease to run out.
    await this.#lease.release().catch(() => {});
  }

  /** Hands on what there is for as long as this process has the lease, or waits a while for it. */
  async #takeTurn(way: Way, signal: AbortSignal): Promise<void> {
    const position = await this.#lease.take();
    if (position === undefined) return this.#time.wait(LEASE_MS / 3, signal);
    try {
      await this.#handOn(way, position, signal);
    } catch (error) {
      if ((error as { reason?: unknown }).reason !== EVENTS_GONE) throw error;
      if (await this.#lease.beginAnew(position)) {
        this.#logger.error({ position }, "events are gone that no broker has: the log is handed on from its beginning");
      }
    }
  }

  async #handOn(way: Way, start: number, signal: AbortSignal): Promise<void> {
    const { channel } = way;
    let relayed = start;
    for await (const { events, position } of this.#log.follow({ afterPosition: start }, signal)) {
      if (events.length === 0) continue;
      // Somebody else may have had the lease since, and be further.
      if ((await this.#lease.take()) !== relayed) return;
      for (const event of events) {
        channel.publish(EXCHANGE, event.type, event.data, propertiesOf(event));
        await this.#publishMore(way, event, signal);
      }
      reached("events.relay.published");
      await orAborted(channel.waitForConfirms(), signal);
      reached("events.relay.confirmed");
      if (!(await this.#lease.note(position))) return;
      this.#relayed.inc(events.length);
      relayed = position;
    }
  }

  async #publishMore({ broker, channel, queues }: Way, event: Event, signal: AbortSignal): Promise<void> {
    const more = this.#alsoPublish(event);
    if (more === undefined) return;
    if (!queues.has(more.queue)) await declare(broker, more.queue, signal);
    queues.add(more.queue);
    const options = { persistent: true, mandatory: true, messageId: event.id, expiration: KEPT_MS };
    channel.sendToQueue(more.queue, Buffer.from(more.body), options);
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

/** Makes sure that there is such a queue: whoever has declared it otherwise knows why. */
async function declare(broker: Broker, queue: string, signal: AbortSignal): Promise<void> {
  const channel = await broker.answer(broker.spareChannel(), signal);
  try {
    await broker.answer(channel.assertQueue(queue, { durable: true }), signal);
  } catch (error) {
    // The broker has closed the channel with it.
    if ((error as { code?: unknown }).code === PRECONDITION_FAILED) return;
    throw error;
  }
  await broker.answer(channel.close(), signal);
}
