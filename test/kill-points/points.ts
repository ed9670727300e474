/** How events travel: by a stream of gRPC, or by RabbitMQ. */
export type Transport = "stream" | "amqp";

/** A program that is ended. */
export type Ended = "orders" | "push" | "recommendations" | "documents";

/** A point at which it would be bad to be ended. */
export interface Point {
  readonly name: string;
  readonly program: Ended;
  readonly step: string;
  /** The step is come to at most this often while the orders of one run are placed. */
  readonly most: number;
  /** Where it is; everywhere, if it is not given. */
  readonly transport?: Transport;
  /** How the buyers pay, in turn; with what the provider takes, if it is not given. */
  readonly tokens?: readonly string[];
}

/** How many buyers there are in a run. */
export const BUYERS = 4;

const DECLINED = ["tok_declined", "tok_ok"];
const UNREACHABLE = ["tok_unreachable", "tok_ok"];

/** The steps of PlaceOrder and of the settler, in the order in which an order comes to them. */
const orders: readonly Point[] = [
  order("orders.key-noted"),
  order("orders.order-committed"),
  order("orders.before-charge"),
  order("orders.charged"),
  order("events.log.appended"),
  order("orders.before-placed-commit"),
  order("orders.placed-committed"),
  { ...order("orders.before-given-up-commit"), most: BUYERS / 2, tokens: DECLINED },
  { ...order("orders.given-up-by-provider"), most: BUYERS / 2, tokens: UNREACHABLE },
];

/** The steps of those who carry events; how many events go at once is up to them. */
const carriers: readonly Point[] = [
  { ...order("events.stream.before-send"), most: 2, transport: "stream" },
  { ...order("events.stream.sent"), most: 2, transport: "stream" },
  { ...order("events.relay.published"), most: 1, transport: "amqp" },
  { ...order("events.relay.confirmed"), most: 1, transport: "amqp" },
];

/** The steps of those who handle events. */
const consumers: readonly Point[] = (["push", "recommendations", "documents"] as const).flatMap((program) => [
  consumer(program, "events.consumer.handler-done"),
  consumer(program, "events.consumer.effect-written"),
  consumer(program, "events.consumer.before-commit"),
  consumer(program, "events.consumer.committed"),
  { ...consumer(program, "events.queue.acknowledged"), transport: "amqp" as const },
]);

export const points: readonly Point[] = [...orders, ...carriers, ...consumers];

function order(step: string): Point {
  return { name: step, program: "orders", step, most: BUYERS };
}

function consumer(program: Ended, step: string): Point {
  return { name: `${program}: ${step}`, program, step, most: BUYERS };
}
