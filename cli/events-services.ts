import pino from "pino";
import { openChannel } from "../clients/channel.ts";
import { type EventConsumerClient, type EventLogClient, eventConsumerClient, eventLogClient } from "../clients/events.ts";
import { EventConsumerServiceDefinition } from "../gen/bookstore/events/v1/event_consumer_service.ts";
import { EventLogServiceDefinition } from "../gen/bookstore/events/v1/event_log_service.ts";
import type { Instance } from "../gen/mesh/registry/v1/instance.ts";
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
 * The services of a mesh that have to do with events, in the order of their names, each by one instance.
 *
 * @param access stays the caller's, to close after the clients were used.
 * @returns to be bound with `using`.
 */
export async function eventServices(access: RegistryAccess): Promise<Disposable & { services: readonly EventService[] }> {
  const states = await askRegistry(access, async ({ registry }) => (await registry.listServices({})).services);
  using stack = new DisposableStack();
  // People are told of failures by exit status and a sentence.
  const logger = pino({ level: "silent" });
  const services = states.flatMap((state) => {
    const { name } = state;
    const channelTo = ({ address, port }: Instance) => {
      return stack.adopt(openChannel(hostAndPort(address, port), { service: name, credentials: access.credentials }), (channel) =>
        channel.close(),
      );
    };
    const logInstance = instanceThatServes(state, EventLogServiceDefinition.fullName);
    const consumerInstance = instanceThatServes(state, EventConsumerServiceDefinition.fullName);
    const log = logInstance && eventLogClient(channelTo(logInstance), logger);
    const consumer = consumerInstance && eventConsumerClient(channelTo(consumerInstance), logger);
    return log || consumer ? [{ name, log, consumer }] : [];
  });
  const moved = stack.move();
  return { services, [Symbol.dispose]: () => moved.dispose() };
}

/** One that callers are sent to. If there is none, any other: a service that fares badly is the one to hear of. */
function instanceThatServes({ instances }: ServiceState, grpcService: string): Instance | undefined {
  const serving = instances.filter(({ instance }) => instance?.grpcServices.includes(grpcService));
  return (serving.find(({ inEndpoints }) => inEndpoints) ?? serving[0])?.instance;
}
