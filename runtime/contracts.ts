import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { EndUser, MethodPolicy } from "../gen/mesh/policy/v1/policy.ts";
import { durationMs } from "./duration.ts";
import type { FieldViolation } from "./errors.ts";
import { compileRules } from "./field-rules.ts";
import { MisfitError } from "./value-rules.ts";
import { compileWireCheck, type WireProblem } from "./wire-check.ts";

/** What the contract says about one method, ready to be obeyed. */
export interface MethodContract {
  /** "/package.Service/Method" */
  readonly path: string;
  /** "package.Service" */
  readonly service: string;
  readonly method: string;
  readonly kind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  /** Whether doing it twice is as good as once. */
  readonly idempotent: boolean;
  /** Whether it is part of the machinery (health, reflection): no policy, no log line at level info, never refused for load. */
  readonly infrastructure: boolean;
  /** The identities that may call, by name. "*" is every identity of the mesh, those of people included. */
  readonly callers: readonly string[];
  readonly endUser: EndUser;
  /** The request field (its name in ts-proto's messages) that must hold the id of the signed-in user; undefined if any user will do. */
  readonly endUserField: string | undefined;
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
  readonly retry: { maxAttempts: number; initialBackoffMs: number; maxBackoffMs: number } | undefined;
  readonly maxRequestBytes: number;
  /** What is wrong with a request as it stands on the wire. */
  checkWire(request: Uint8Array): WireProblem | undefined;
  /** Every rule of the contract that a request breaks. */
  validate(request: object): FieldViolation[];
}

/** Thrown when a contract contradicts itself. The message names the method. */
export class ContractError extends Error {
  override readonly name = "ContractError";
}

const DEFAULT_MAX_REQUEST_BYTES = 65_536;
const LARGEST_MAX_REQUEST_BYTES = 4_194_304;

/** Services that the mesh itself brings along; their contracts are not ours to write policy into. */
const INFRASTRUCTURE = ["grpc.health.v1.", "grpc.reflection.v1.", "grpc.reflection.v1alpha."];

/** All contracts of the repository: the image that `npm run generate` makes from protos/. */
export const contracts: FileRegistry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(new URL("../gen/contracts.binpb", import.meta.url))),
);

/** Whether there is a contract of this service. @param typeName "package.Service" */
export function hasContract(typeName: string): boolean {
  return contracts.getService(typeName) !== undefined;
}

/**
 * The contract of a service.
 *
 * @param typeName "package.Service"
 * @throws ContractError if there is no such service or one of its methods has no usable policy.
 */
export function serviceContract(typeName: string): ReadonlyMap<string, MethodContract> {
  return serviceContractIn(contracts, typeName);
}

const methods = new Map<string, MethodContract>();

/**
 * The contract of a method.
 *
 * @param path "/package.Service/Method"
 * @throws ContractError if there is no such method or it has no usable policy.
 */
export function methodContract(path: string): MethodContract {
  let contract = methods.get(path);
  if (contract === undefined) {
    contract = serviceContract(path.slice(1, path.lastIndexOf("/"))).get(path);
    if (contract === undefined) throw new ContractError(`no contract for ${path}`);
    methods.set(path, contract);
  }
  return contract;
}

/** The contract of every method of every service. @throws ContractError as serviceContract. */
export function allContracts(): MethodContract[] {
  return allContractsIn(contracts);
}

/** As allContracts, from any registry. */
export function allContractsIn(registry: FileRegistry): MethodContract[] {
  return [...registry]
    .filter((type) => type.kind === "service")
    .flatMap((service) => [...serviceContractIn(registry, service.typeName).values()]);
}

/** As serviceContract, from any registry: for contracts that are not in the repository. */
export function serviceContractIn(registry: FileRegistry, typeName: string): ReadonlyMap<string, MethodContract> {
  const service = registry.getService(typeName);
  if (service === undefined) {
    throw new ContractError(`no contract for ${typeName}; is gen/ up to date? Run npm run generate`);
  }
  return new Map(service.methods.map((method) => [pathOf(service, method), compileMethod(registry, service, method)]));
}

function rulesOf(registry: FileRegistry, method: DescMethod, refuse: (problem: string) => never): MethodContract["validate"] {
  try {
    return compileRules(registry, method.input);
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error;
    return refuse(error.message);
  }
}

function pathOf(service: DescService, method: DescMethod): string {
  return `/${service.typeName}/${method.name}`;
}

function compileMethod(registry: FileRegistry, service: DescService, method: DescMethod): MethodContract {
  const path = pathOf(service, method);
  const infrastructure = INFRASTRUCTURE.some((prefix) => service.typeName.startsWith(prefix));
  const policy = infrastructure ? infrastructurePolicy(method) : policyOf(registry, method, path);
  const idempotent = method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;

  const refuse = (problem: string): never => {
    throw new ContractError(`${path}: ${problem}`);
  };
  if (policy.endUser === EndUser.END_USER_UNSPECIFIED) refuse("end_user is not said");
  const defaultDeadlineMs = durationMs(policy.defaultDeadline);
  if (!(defaultDeadlineMs > 0)) refuse("default_deadline must be more than zero");
  const maxDeadlineMs = policy.maxDeadline === undefined ? defaultDeadlineMs : durationMs(policy.maxDeadline);
  if (maxDeadlineMs < defaultDeadlineMs) refuse("max_deadline is shorter than default_deadline");
  if (policy.retry !== undefined && !idempotent) refuse("retry needs an idempotency_level");
  if (policy.retry !== undefined && (policy.retry.maxAttempts < 2 || policy.retry.maxAttempts > 5)) {
    refuse("retry.max_attempts must be 2 to 5");
  }
  const [firstPauseMs, longestPauseMs] = [durationMs(policy.retry?.initialBackoff), durationMs(policy.retry?.maxBackoff)];
  if (policy.retry !== undefined && !(firstPauseMs > 0 && longestPauseMs >= firstPauseMs)) {
    refuse("retry needs initial_backoff and max_backoff, which is not shorter");
  }
  const endUserField = method.input.fields.find(({ name }) => name === policy.endUserField);
  if (
    policy.endUserField !== "" &&
    (endUserField?.scalar !== ScalarType.STRING || policy.endUser !== EndUser.END_USER_SIGNED_IN)
  ) {
    refuse("end_user_field must be a string field of the request, and needs END_USER_SIGNED_IN");
  }
  const maxRequestBytes = policy.maxRequestBytes || DEFAULT_MAX_REQUEST_BYTES;
  if (maxRequestBytes > LARGEST_MAX_REQUEST_BYTES) {
    refuse(`max_request_bytes must be at most ${LARGEST_MAX_REQUEST_BYTES}`);
  }

  return {
    path,
    service: service.typeName,
    method: method.name,
    kind: method.methodKind,
    idempotent,
    infrastructure,
    callers: policy.callers,
    endUser: policy.endUser,
    endUserField: endUserField?.localName,
    defaultDeadlineMs,
    maxDeadlineMs,
    retry: policy.retry && {
      maxAttempts: policy.retry.maxAttempts,
      initialBackoffMs: firstPauseMs,
      maxBackoffMs: longestPauseMs,
    },
    maxRequestBytes,
    checkWire: compileWireCheck(method.input),
    validate: rulesOf(registry, method, refuse),
  };
}

function policyOf(registry: FileRegistry, method: DescMethod, path: string): MethodPolicy {
  const extension = registry.getExtension("mesh.policy.v1.method");
  if (extension?.message === undefined || !hasOption(method, extension)) {
    throw new ContractError(`${path}: no mesh.policy.v1.method option`);
  }
  // Across the two code generators the wire format is the common ground.
  return MethodPolicy.decode(toBinary(extension.message, getOption(method, extension) as never));
}

function infrastructurePolicy(method: DescMethod): MethodPolicy {
  return MethodPolicy.fromPartial({
    callers: ["*"],
    endUser: EndUser.END_USER_NONE,
    defaultDeadline: { seconds: method.methodKind === "unary" ? 5n : 3600n },
    maxDeadline: { seconds: 86_400n },
  });
}
