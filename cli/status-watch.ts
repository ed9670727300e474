import { setTimeout as delay } from "node:timers/promises";
import { askRegistry, NoRegistry, type RegistryClients } from "./ask-registry.ts";
import type { RegistryAccess } from "./registry-access.ts";
import { type StatusDocument, statusDocument } from "./status-document.ts";

/** Who is connected is not told by itself. */
const ASK_CLIENTS_EVERY_MS = 2_000;
const LOOK_FOR_REGISTRY_EVERY_MS = 1_000;

/** How the mesh fares now. */
export async function statusNow({ address, registry }: RegistryClients, signal: AbortSignal): Promise<StatusDocument> {
  const [list, { clients }] = await Promise.all([registry.listServices({}, { signal }), registry.listClients({}, { signal })]);
  return statusDocument({ ...list, clients }, address);
}

/**
 * How the mesh fares now, again after every change, and every two seconds, until the signal aborts.
 *
 * When the registry is gone it is looked for, and the others are too.
 *
 * @param onGone called once when none answers any more, with a sentence.
 * @throws NoRegistry if there was none in the first place.
 */
export async function watchStatus(
  registries: RegistryAccess,
  options: { show: (document: StatusDocument) => void; onGone: (sentence: string) => void; signal: AbortSignal },
): Promise<void> {
  const { show, onGone, signal } = options;
  let isThere: boolean | undefined;
  while (!signal.aborted) {
    try {
      await askRegistry(registries, async (clients) => {
        for await (const document of statusUpdates(clients, signal)) {
          isThere = true;
          show(document);
        }
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof NoRegistry) || isThere === undefined) throw error;
      if (isThere) onGone(error.message);
      isThere = false;
    }
    await delay(LOOK_FOR_REGISTRY_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

/** Ends with the stream of the registry. */
async function* statusUpdates({ address, registry }: RegistryClients, signal: AbortSignal): AsyncGenerator<StatusDocument> {
  const list = await registry.listServices({}, { signal });
  const left = new AbortController();
  const stream = registry.watchServices({}, { signal: AbortSignal.any([signal, left.signal]) });
  const changes = stream[Symbol.asyncIterator]();
  let { services } = list;
  try {
    let next = changes.next();
    while (true) {
      // It may fail while something else is waited for: it is noticed in the next round.
      next.catch(() => {});
      const change = await Promise.race([next, delay(ASK_CLIENTS_EVERY_MS, undefined, { signal })]);
      if (change?.done) return;
      if (change !== undefined) {
        ({ services } = change.value);
        next = changes.next();
      }
      const { clients } = await registry.listClients({}, { signal });
      yield statusDocument({ registry: list.registry, services, clients }, address);
    }
  } finally {
    left.abort();
  }
}
