import { allContracts } from "../../runtime/contracts.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Identity } from "../../runtime/spiffe.ts";
import type { Catalog } from "./catalog.ts";
import type { Instance } from "./instance.ts";

/** Refuses to let anybody but the service itself speak for it. */
export function requireOwner(caller: Identity | undefined, service: string): void {
  if (caller?.name === service) return;
  throw new Failure("denied", `${caller?.name ?? "nobody"} may not register as ${service}`, {
    reason: "SERVICE_OF_ANOTHER",
    metadata: { rule: "a service is registered by its own identity", service },
  });
}

/** Refuses to let anybody but the service itself register an instance of it, or put one in the place of another's. */
export function requireRegistrant(catalog: Catalog, caller: Identity | undefined, instance: Instance): void {
  requireOwner(caller, instance.service);
  const replaced = catalog.find(instance.id);
  if (replaced !== undefined) requireOwner(caller, replaced.service);
}

/**
 * Refuses the names of the mesh to programs that speak plain HTTP, which proves
 * no identity: they are for those who can prove that they are theirs.
 */
export function requireFree(catalog: Catalog, instance: Instance): void {
  const replaced = catalog.find(instance.id)?.service ?? instance.service;
  for (const service of [instance.service, replaced]) {
    const isRegistered = catalog.get(service)?.instances.some(({ instance: { protocol } }) => protocol === "grpc");
    if (!isRegistered && !NAMES_OF_MESH.has(service)) continue;
    throw new Failure("denied", `${service} is a service of the mesh, which registers with its certificate`, {
      reason: "SERVICE_OF_ANOTHER",
      metadata: { rule: "a service is registered by its own identity", service },
    });
  }
}

/** Whoever the contracts speak of, and whoever has one: the service of bookstore.orders.v1 is orders. */
const NAMES_OF_MESH: ReadonlySet<string> = new Set(
  allContracts()
    .filter(({ infrastructure }) => !infrastructure)
    .flatMap(({ callers, service }) => [...callers, service.split(".").at(-3) ?? service]),
);
