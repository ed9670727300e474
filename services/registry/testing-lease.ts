// The stream of an instance, for the tests of the registry.
import { Metadata } from "nice-grpc";
import type { RegistryClient } from "../../clients/registry.ts";
import type { Instance } from "../../gen/mesh/registry/v1/instance.ts";
import type {
  DeepPartial,
  HoldLeaseRequest,
  HoldLeaseResponse,
  Registered,
} from "../../gen/mesh/registry/v1/registry_service.ts";
import { CALLER_HEADER } from "../../test/support/plaintext.ts";

/** The stream by which an instance is registered. Leave it with `await using`, which breaks it. */
export class HeldLease implements AsyncDisposable {
  readonly #requests: DeepPartial<HoldLeaseRequest>[] = [];
  readonly #responses: AsyncIterator<HoldLeaseResponse>;
  readonly #abort = new AbortController();
  #wake = () => {};
  #ended = false;

  /** @param caller whose certificate it would be: the service that is registered. */
  constructor(client: RegistryClient, caller = "orders") {
    const { signal } = this.#abort;
    const metadata = Metadata().set(CALLER_HEADER, caller);
    this.#responses = client.holdLease(this.#sent(), { signal, metadata })[Symbol.asyncIterator]();
  }

  send(request: DeepPartial<HoldLeaseRequest>): void {
    this.#requests.push(request);
    this.#wake();
  }

  /** The next thing that the registry says; undefined when it has ended the stream. */
  async next(): Promise<HoldLeaseResponse["event"]> {
    const { done, value } = await this.#responses.next();
    return done ? undefined : value.event;
  }

  /** Says that nothing more will come, and no goodbye. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Breaks the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.end();
    await this.#responses.next().catch(() => {});
  }

  async *#sent(): AsyncGenerator<DeepPartial<HoldLeaseRequest>> {
    while (true) {
      const request = this.#requests.shift();
      if (request !== undefined) yield request;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Registers an instance by a stream. @returns once it is registered. */
export async function hold(
  client: RegistryClient,
  instance: DeepPartial<Instance>,
): Promise<HeldLease & { readonly id: string; readonly registered: Registered }> {
  const lease = new HeldLease(client, instance.service);
  lease.send({ event: { $case: "instance", value: instance } });
  const event = await lease.next();
  if (event?.$case !== "registered") throw new Error("not registered");
  return Object.assign(lease, { id: event.value.instanceId, registered: event.value });
}
