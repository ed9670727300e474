import { setImmediate as turn } from "node:timers/promises";
import { AdsClient, type Awaited, type Receipt } from "./ads-client.ts";
import { answerParent, nowMs } from "./child.ts";
import { addressOf, type Change, serviceName, serviceNames } from "./fleet.ts";

// Half of the clients of each registry.

export type ClientsRequest =
  /** Starts clients of a registry, the first of which has this number; they ask for so many services. */
  | { readonly kind: "connect"; readonly port: number; readonly wanted: number; readonly first: number; readonly clients: number }
  /** Says what the clients of a registry are going to be told. */
  | { readonly kind: "expect"; readonly port: number; readonly changes: readonly Change[] }
  /** Waits until all of them have been told everything. */
  | { readonly kind: "receive"; readonly port: number };

export interface Connecting {
  readonly startedAtMs: number;
}

export interface Receipts {
  readonly receipts: readonly Receipt[];
}

/** By the port of the registry. */
const clients = new Map<number, readonly AdsClient[]>();

answerParent<ClientsRequest>({}, async (request) => {
  const { kind, port } = request;
  const own = clients.get(port) ?? [];
  switch (kind) {
    case "connect": {
      const startedAtMs = nowMs();
      const names = serviceNames(request.wanted);
      const connect = (_: unknown, i: number) => {
        const number = request.first + i;
        // Each in an order of its own: clients name services as they have come upon them.
        const own = [...names.slice(number % names.length), ...names.slice(0, number % names.length)];
        return new AdsClient(`127.0.0.1:${port}`, `client-${number}`, own);
      };
      clients.set(port, Array.from({ length: request.clients }, connect));
      return { startedAtMs } satisfies Connecting;
    }
    case "expect": {
      const awaited = new Map(
        request.changes.map((change): [string, Awaited] => [serviceName(change.service), asAwaited(change)]),
      );
      for (const client of own) client.expect(awaited);
      return {};
    }
    case "receive": {
      const receipts = await Promise.all(own.map((client) => client.done));
      // Until what they have received is accepted.
      await turn();
      return { receipts } satisfies Receipts;
    }
  }
});

function asAwaited({ service, instance, present }: Change): Awaited {
  return { address: addressOf(service, instance), present };
}
