import type { MethodContract } from "../../runtime/contracts.ts";
import { Failure } from "../../runtime/errors.ts";
import type { ServerInterceptor } from "./interceptor.ts";

/** Stands in for a request that was too large to decode. */
class Oversized {}
const OVERSIZED = new Oversized();

interface MessageType {
  decode(bytes: Uint8Array): unknown;
}
interface Definition {
  readonly methods: Readonly<Record<string, { readonly name: string; readonly requestType: MessageType }>>;
  readonly fullName: string;
}

/** Refuses requests that are larger than the contract of their method allows. They are not decoded. */
export function messageSize(): ServerInterceptor {
  return {
    message({ contract }, message) {
      if (!(message instanceof Oversized)) return;
      throw new Failure("exhausted", `the request is larger than ${contract.maxRequestBytes} bytes`, {
        reason: "REQUEST_TOO_LARGE",
      });
    },
  };
}

/** The definition of a service whose requests are measured before they are decoded. */
export function withMessageSizes<T extends Definition>(definition: T, contracts: ReadonlyMap<string, MethodContract>): T {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const limit = contracts.get(`/${definition.fullName}/${method.name}`)?.maxRequestBytes ?? 0;
    const decode = (bytes: Uint8Array) => (bytes.length > limit ? OVERSIZED : method.requestType.decode(bytes));
    return [key, { ...method, requestType: { ...method.requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}
