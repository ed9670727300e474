import { type ChannelOptions, logVerbosity, type ServerOptions, setLogVerbosity } from "@grpc/grpc-js";
import { type CompatServiceDefinition, createServer, type ServiceDefinition, type ServiceImplementation } from "nice-grpc";
import type { Registry } from "prom-client";
import { ServerReflectionDefinition } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflectionDefinition as ServerReflectionAlphaDefinition } from "../../gen/grpc/reflection/v1alpha/reflection.ts";
import { HealthDefinition } from "../../gen/health/v1/health.ts";
import { type MethodContract, serviceContract } from "../../runtime/contracts.ts";
import { type Health, healthHandler } from "../../runtime/health.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { MeshedServer } from "../../runtime/mesh.ts";
import { reflectionHandler } from "../../runtime/reflection.ts";
import type { RunnableServer } from "../../runtime/run.ts";
import { accessLog } from "./access-log.ts";
import { type AdmissionOptions, admission } from "./admission.ts";
import { deadline } from "./deadline.ts";
import { errorMapping, statusOf } from "./error-mapping.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import { loadCounter } from "./load.ts";
import { messageSize, withMessageSizes } from "./message-size.ts";
import { metrics } from "./metrics.ts";
import { withSharedEncoder } from "./response-encoding.ts";
import { interceptCalls } from "./server-call.ts";
import { statusSanitizer } from "./status-sanitizer.ts";
import { terminator } from "./terminator.ts";
import { traceContext } from "./trace-context.ts";
import { validation } from "./validation.ts";

/** A service definition as ts-proto generates it. */
type Definition = CompatServiceDefinition & Parameters<typeof withMessageSizes>[0] & Parameters<typeof withSharedEncoder>[0];

export interface MeshServerOptions extends AdmissionOptions {
  logger: Logger;
  metrics: Registry;
  health: Health;
}

export interface MeshServer extends RunnableServer, MeshedServer {
  /** Adds a service. Before listen(). @throws ContractError if its contract cannot be obeyed. */
  add<Service extends Definition>(definition: Service, implementation: ServiceImplementation<Service>): void;
  /**
   * Adds a service whose contract others have written, so that its policy stands in code. Before listen().
   *
   * It runs behind the same chain. Reflection does not show it.
   *
   * @param methodContracts one for each method of the definition.
   */
  addForeign<Service extends ServiceDefinition>(
    definition: Service,
    methodContracts: readonly MethodContract[],
    implementation: ServiceImplementation<Service>,
  ): void;
}

/** Limits of one connection. Requests have tighter ones of their own, by contract. */
const SERVER_OPTIONS: ChannelOptions = {
  "grpc.max_send_message_length": 4_194_304,
  "grpc.max_concurrent_streams": 2_000,
  "grpc.max_connection_idle_ms": 600_000,
  // A client looks for new servers when it has to connect again. Calls and streams on the old connection go on.
  "grpc.max_connection_age_ms": 300_000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // Per-call bookkeeping for a debugging service that nobody serves here.
  "grpc.enable_channelz": 0,
};

/** A server with the chain that every service runs, health checks and reflection. */
export function meshServer(options: MeshServerOptions): MeshServer {
  const { logger } = options;
  const openCalls = terminator();
  const load = loadCounter();
  const contracts = new Map<string, MethodContract>();

  // Outermost first. What counts and logs stands outside of what refuses, so
  // that it sees refusals too; what is cheap stands before what is dear.
  const interceptors: readonly ServerInterceptor[] = [
    traceContext(),
    accessLog(options),
    metrics(options),
    load,
    statusSanitizer(),
    openCalls,
    // Here: caller identity, authorization (callers, end user).
    deadline(),
    admission(options),
    messageSize(),
    validation(),
  ];
  const environment = {
    interceptors,
    statusOf: (error: unknown, call: { path: string }) => statusOf(error, { logger, path: call.path }),
  };
  // grpc-js writes header values it does not like to standard error as they are, tokens included.
  setLogVerbosity(logVerbosity.NONE);
  const serverOptions: ServerOptions = { ...SERVER_OPTIONS, interceptors: [interceptCalls(contracts, environment)] };
  const server = createServer(serverOptions).use(errorMapping(options));

  const services: string[] = [];
  const offer = (definition: Definition, implementation: object) => {
    for (const [path, contract] of serviceContract(definition.fullName)) contracts.set(path, contract);
    server.add(withSharedEncoder(withMessageSizes(definition, contracts)), implementation as never);
  };

  return {
    services,
    takeLoad: () => load.take(),
    add(definition, implementation) {
      services.push(definition.fullName);
      offer(definition, implementation);
    },
    addForeign(definition, methodContracts, implementation) {
      for (const contract of methodContracts) contracts.set(contract.path, contract);
      server.add(definition, implementation);
    },
    async listen(address) {
      offer(HealthDefinition, healthHandler(options.health));
      const names = [
        ...services,
        HealthDefinition.fullName,
        ServerReflectionDefinition.fullName,
        ServerReflectionAlphaDefinition.fullName,
      ];
      offer(ServerReflectionDefinition, reflectionHandler(names));
      offer(ServerReflectionAlphaDefinition, reflectionHandler(names));
      // grpc-js inflates and gathers a message up to this before anybody can look at it. It reads the options when it listens.
      const largest = Math.max(...[...contracts.values()].map(({ maxRequestBytes }) => maxRequestBytes));
      serverOptions["grpc.max_receive_message_length"] = largest;
      return server.listen(address);
    },
    async drain() {
      openCalls.endStreams();
      await server.shutdown();
    },
    forceShutdown() {
      // grpc-js's own forceShutdown cuts nothing here: without channelz it keeps no list of its connections.
      const cut = openCalls.endCalls();
      void server.shutdown();
      return cut;
    },
  };
}
