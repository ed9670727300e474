import { type ChannelOptions, logVerbosity, type ServerOptions, setLogVerbosity } from "@grpc/grpc-js";
import { type CompatServiceDefinition, createServer, type ServiceDefinition, type ServiceImplementation } from "nice-grpc";
import { Status } from "nice-grpc-common";
import { Counter, type Registry } from "prom-client";
import { ServerReflectionDefinition } from "../../gen/grpc/reflection/v1/reflection.ts";
import { ServerReflectionDefinition as ServerReflectionAlphaDefinition } from "../../gen/grpc/reflection/v1alpha/reflection.ts";
import { HealthDefinition } from "../../gen/health/v1/health.ts";
import { EndUser } from "../../gen/mesh/policy/v1/policy.ts";
import { ContractError, type MethodContract, serviceContract } from "../../runtime/contracts.ts";
import type { VerifyUserToken } from "../../runtime/end-user.ts";
import { type Health, healthHandler } from "../../runtime/health.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { MeshedServer } from "../../runtime/mesh.ts";
import { reflectionHandler } from "../../runtime/reflection.ts";
import type { RunnableServer } from "../../runtime/run.ts";
import type { Security } from "../../runtime/security.ts";
import { accessLog } from "./access-log.ts";
import { type AdmissionOptions, admission } from "./admission.ts";
import { authorization } from "./authorization.ts";
import { type ConnectionLimits, Connections } from "./connections.ts";
import { deadline } from "./deadline.ts";
import { decoding, withCheckedForeignRequests, withCheckedRequests } from "./decoding.ts";
import { endUser } from "./end-user.ts";
import { statusOf, withErrorMapping } from "./error-mapping.ts";
import { FairBudget } from "./fair-budget.ts";
import { type FrontDoorOptions, openFrontDoor, peerOf } from "./front-door.ts";
import { handshakeAudit } from "./handshake-audit.ts";
import type { ServerInterceptor } from "./interceptor.ts";
import { loadCounter } from "./load.ts";
import { metrics } from "./metrics.ts";
import { answer, refusalOf } from "./request-checks.ts";
import { requestMemory } from "./request-memory.ts";
import { withSharedEncoder } from "./response-encoding.ts";
import { interceptCalls } from "./server-call.ts";
import { statusSanitizer } from "./status-sanitizer.ts";
import { terminator } from "./terminator.ts";
import { traceContext } from "./trace-context.ts";
import { validation } from "./validation.ts";

/** A service definition as ts-proto generates it. */
type Definition = CompatServiceDefinition & Parameters<typeof withCheckedRequests>[0] & Parameters<typeof withSharedEncoder>[0];

export interface MeshServerOptions extends AdmissionOptions, ConnectionLimits {
  logger: Logger;
  metrics: Registry;
  health: Health;
  /** How connections are secured, and who is at their other end. */
  credentials: Pick<Security, "server">;
  /** The most bytes that messages take together, of requests under way and of responses that wait to be read. The default is 24 MiB. */
  maxMessageMemoryBytes?: number;
  /** Whose access token it is. Required where a contract asks for a user. */
  verifyUserToken?: VerifyUserToken;
}

export interface MeshServer extends RunnableServer, MeshedServer {
  /** Adds a service. Before listen(). @throws ContractError if its contract cannot be obeyed: without `verifyUserToken`, none that asks for a user. */
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
  // A stream that is open for so long outlives what was proven when it was opened: its reader resumes on a new one.
  "grpc.max_connection_age_grace_ms": 3_600_000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // Per-call bookkeeping for a debugging service that nobody serves here.
  "grpc.enable_channelz": 0,
};

const MESSAGE_MEMORY_BYTES = 25_165_824;

/** A server with the chain that every service runs, health checks and reflection. */
export function meshServer(options: MeshServerOptions): MeshServer {
  const { logger } = options;
  const openCalls = terminator();
  const load = loadCounter();
  const contracts = new Map<string, MethodContract>();
  const security = options.credentials.server();
  const messageMemory = new FairBudget(options.maxMessageMemoryBytes ?? MESSAGE_MEMORY_BYTES);

  // Outermost first. What counts and logs stands outside of what refuses, so
  // that it sees refusals too; what is cheap stands before what is dear.
  const interceptors: readonly ServerInterceptor[] = [
    traceContext(),
    accessLog(options),
    metrics(options),
    load,
    statusSanitizer(),
    openCalls,
    authorization(options),
    deadline(),
    admission(options),
    // A request that is no message names no user.
    decoding(),
    // To find out whose a token is may take a while: within a deadline and a limit.
    endUser({ verify: options.verifyUserToken }),
    // Everybody beyond here may send: nothing of a request is read before.
    requestMemory({ budget: messageMemory }),
    validation(),
  ];
  const environment = {
    interceptors,
    messageMemory,
    statusOf: (error: unknown, call: { path: string }) => statusOf(error, { logger, path: call.path }),
  };
  // grpc-js writes header values it does not like to standard error as they are, tokens included.
  setLogVerbosity(logVerbosity.NONE);
  const serverOptions: ServerOptions = { ...SERVER_OPTIONS, interceptors: [interceptCalls(contracts, environment)] };
  const server = createServer(serverOptions);

  let closeFrontDoor = () => {};
  const handshakeFailed = handshakeAudit(options);
  const refusedRequests = new Counter({
    name: "grpc_server_refused_requests_total",
    help: "Requests that were no calls of a method that is there, by HTTP status and gRPC code.",
    labelNames: ["http_status", "grpc_code"],
    registers: [options.metrics],
  });
  const refuse: FrontDoorOptions["refuse"] = (stream, headers) => {
    const refusal = refusalOf(headers, contracts);
    if (refusal === undefined) return false;
    const { http, status, details } = refusal;
    refusedRequests.inc({ http_status: http, grpc_code: status === undefined ? "" : Status[status] });
    logger.info({ peer: peerOf(stream), http, status: status && Status[status], details }, "request refused");
    answer(stream, refusal);
    return true;
  };

  const services: string[] = [];
  const offer = (definition: Definition, implementation: object) => {
    for (const [path, contract] of serviceContract(definition.fullName)) {
      if (contract.endUser !== EndUser.END_USER_NONE && options.verifyUserToken === undefined) {
        throw new ContractError(`${path}: asks for a user, whom this server cannot verify`);
      }
      contracts.set(path, contract);
    }
    server.add(
      withSharedEncoder(withCheckedRequests(definition, contracts)),
      withErrorMapping(definition, implementation, options) as never,
    );
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
      server.add(
        withCheckedForeignRequests(definition, contracts),
        withErrorMapping(definition, implementation, options) as never,
      );
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
      const port = await server.listen(address, security.credentials);
      closeFrontDoor = openFrontDoor(port, { security, connections: new Connections(options), refuse, handshakeFailed });
      return port;
    },
    async drain() {
      openCalls.endStreams();
      await server.shutdown();
      closeFrontDoor();
    },
    forceShutdown() {
      // grpc-js's own forceShutdown cuts nothing here: without channelz it keeps no list of its connections.
      const cut = openCalls.endCalls();
      void server.shutdown().then(closeFrontDoor);
      return cut;
    },
  };
}
