import { allContracts } from "../../runtime/contracts.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type Identity, spiffeId } from "../../runtime/spiffe.ts";
import type { Catalog } from "./catalog.ts";
import type { Instance } from "./instance.ts";

export interface RegistrantDeps {
  catalog: Pick<Catalog, "find" | "get">;
  logger: Logger;
}

/** Refuses to let anybody but the service itself speak for it. */
export function requireOwner({ logger }: Pick<RegistrantDeps, "logger">, caller: Identity | undefined, service: string): void {
  if (caller?.name === service) return;
  const name = caller?.name ?? "nobody";
  throw refused(logger, service, `${name} may not register as ${service}`, { caller: caller && spiffeId(caller) });
}

/**
 * Refuses to let anybody but the service itself register an instance of it, or put one in the place of another's.
 *
 * An id that begins with the name of a service is that service's: whoever has taken it,
 * as a registry that has just started lets anybody, does not keep it.
 */
export function requireRegistrant(deps: RegistrantDeps, caller: Identity | undefined, instance: Instance): void {
  requireOwner(deps, caller, instance.service);
  const replaced = deps.catalog.find(instance.id);
  if (replaced === undefined || (isNamedAfter(instance, instance.service) && !isNamedAfter(replaced, replaced.service))) return;
  requireOwner(deps, caller, replaced.service);
}

/** Whether the id is as the instances of a service have it: "orders-3f2a9c1b", or "orders@192.0.2.1:50055". */
function isNamedAfter({ id }: Instance, service: string): boolean {
  return id.startsWith(`${service}-`) || id.startsWith(`${service}@`);
}

/**
 * Refuses the names of the mesh to programs that speak plain HTTP, which proves
 * no identity: they are for those who can prove that they are theirs.
 */
export function requireFree({ catalog, logger }: RegistrantDeps, instance: Instance, peer: string): void {
  const replaced = catalog.find(instance.id)?.service ?? instance.service;
  for (const service of [instance.service, replaced]) {
    const isRegistered = catalog.get(service)?.instances.some(({ instance: { protocol } }) => protocol === "grpc");
    if (!isRegistered && !NAMES_OF_MESH.has(service)) continue;
    throw refused(logger, service, `${service} is a service of the mesh, which registers with its certificate`, { peer });
  }
}

function refused(logger: Logger, service: string, message: string, who: object): Failure {
  const failure = new Failure("denied", message, {
    reason: "SERVICE_OF_ANOTHER",
    metadata: { rule: "a service is registered by its own identity", service },
  });
  logger.warn({ audit: true, reason: failure.reason, service, ...who }, "registration refused");
  return failure;
}

/** Whoever the contracts speak of, and whoever has one: the service of bookstore.orders.v1 is orders. */
const NAMES_OF_MESH: ReadonlySet<string> = new Set(
  allContracts()
    .filter(({ infrastructure }) => !infrastructure)
    .flatMap(({ callers, service }) => [...callers, service.split(".").at(-3) ?? service]),
);
