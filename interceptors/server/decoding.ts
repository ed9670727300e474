import type { ServiceDefinition } from "nice-grpc";
import { ServerError, Status } from "nice-grpc-common";
import type { MethodContract } from "../../runtime/contracts.ts";
import { Failure, invalidField } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Stands in for a request that is not to be had. */
class Refused {
  readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }
}

type Decode<Message> = (bytes: Uint8Array) => Message;
interface Definition {
  readonly methods: Readonly<Record<string, { readonly name: string; readonly requestType: { decode: Decode<unknown> } }>>;
  readonly fullName: string;
}

// As gRPC's table of statuses has it ("Error parsing request proto").
const MALFORMED = new Refused(new ServerError(Status.INTERNAL, "the request is no message of its contract"));

/**
 * Refuses requests that were not decoded: because they are larger than the
 * contract of their method allows, because they are no messages of it, or
 * because a string in them is no UTF-8.
 */
export function decoding(): ServerInterceptor {
  return {
    message(_call, message) {
      if (message instanceof Refused) throw message.error;
    },
  };
}

/** The definition of a service whose requests are looked at before they are decoded. */
export function withCheckedRequests<T extends Definition>(definition: T, contracts: ReadonlyMap<string, MethodContract>): T {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const decode = checked(contracts.get(`/${definition.fullName}/${method.name}`), method.requestType.decode);
    return [key, { ...method, requestType: { ...method.requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

/** The same for a definition that is not of ts-proto. */
export function withCheckedForeignRequests<T extends ServiceDefinition>(
  definition: T,
  contracts: ReadonlyMap<string, MethodContract>,
): T {
  const methods = Object.entries(definition).map(([key, method]) => {
    return [key, { ...method, requestDeserialize: checked(contracts.get(method.path), method.requestDeserialize) }];
  });
  return Object.fromEntries(methods);
}

function checked<Message>(contract: MethodContract | undefined, decode: Decode<Message>): Decode<Message | Refused> {
  if (contract === undefined) throw new Error("a method without a contract");
  const tooLarge = new Failure("exhausted", `the request is larger than ${contract.maxRequestBytes} bytes`, {
    reason: "REQUEST_TOO_LARGE",
  });
  return (bytes) => {
    if (bytes.length > contract.maxRequestBytes) return new Refused(tooLarge);
    const problem = contract.checkWire(bytes);
    if (problem?.kind === "malformed") return MALFORMED;
    if (problem !== undefined) return new Refused(invalidField(problem.field, "must be UTF-8"));
    try {
      return decode(bytes);
    } catch (error) {
      return error instanceof Failure ? new Refused(error) : MALFORMED;
    }
  };
}
