import { ClientError, Status } from "nice-grpc-common";
import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { type EventConsumerClient, type EventLogClient, eventConsumerClient, eventLogClient } from "../clients/events.ts";
import { EventConsumerServiceDefinition } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import type { ServiceState } from "../gen/mesh/registry/v1/registry_service.ts";
import { hostAndPort } from "../runtime/host-port.ts";
import { askRegistry } from "./ask-registry.ts";
import type { RegistryAccess } from "./registry-access.ts";

/** A service that has a log of events, or handles those of others. */
export interface EventService {
  readonly name: string;
  /** Undefined if it tells of no events. */
  readonly log: EventLogClient | undefined;
  /** Undefined if it handles none. */
  readonly consumer: EventConsumerClient | undefined;
}

/**
 * The services of a mesh that have to do with events, in the order of their names, each by one instance that works.
 *
 * @param access stays the caller's, to close after the clients were used.
 * @returns to be bound with `using`.
 */
export async function eventServices(access: RegistryAccess): Promise<Disposable & { services: readonly EventService[] }> {
  const states = await askRegistry(access, async ({ registry }) => (await registry.listServices({})).services);
  using stack = new DisposableStack();
  const services = states.flatMap((state) => {
    const [log, consumer] = [EventLogServiceDefinition, EventConsumerServiceDefinition].map(({ fullName }) =>
      serves(state, fullName),
    );
    const { instance } = state.instances.find(({ inEndpoints }) => inEndpoints) ?? {};
    if (instance === undefined || (!log && !consumer)) return [];
    // People are told of failures by exit status and a sentence.
    const logger = pino({ level: "silent" });
    const { name } = state;
    const channel = openChannel(hostAndPort(instance.address, instance.port), { service: name, credentials: access.credentials });
    stack.defer(() => channel.close());
    return [
      {
        name,
        log: log ? eventLogClient(channel, logger) : undefined,
        consumer: consumer ? eventConsumerClient(channel, logger) : undefined,
      },
    ];
  });
  const moved = stack.move();
  return { services, [Symbol.dispose]: () => moved.dispose() };
}

function serves({ instances }: ServiceState, grpcService: string): boolean {
  return instances.some(({ instance, inEndpoints }) => inEndpoints && instance?.grpcServices.includes(grpcService));
}

/** @returns undefined if what was asked about is not there. */
export async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (error instanceof ClientError && error.code === Status.NOT_FOUND) return undefined;
    throw error;
  });
}
