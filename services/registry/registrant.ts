import { allContracts } from "../../runtime/contracts.ts";
import { Failure } from "../../runtime/errors.ts";
import type { Identity } from "../../runtime/spiffe.ts";
import type { ServiceView } from "./catalog-view.ts";

/** Refuses to let anybody but the service itself speak for it. */
export function requireOwner(caller: Identity | undefined, service: string): void {
  if (caller?.name === service) return;
  throw new Failure("denied", `${caller?.name ?? "nobody"} may not register as ${service}`, {
    reason: "SERVICE_OF_ANOTHER",
    metadata: { rule: "a service is registered by its own identity", service },
  });
}

/**
 * Refuses a name to programs that speak plain HTTP, which proves no identity:
 * names of the mesh are for those who can prove that they are theirs.
 *
 * @param view the service as it is registered now.
 */
export function requireFree(service: string, view: ServiceView | undefined): void {
  const isOfMesh = NAMES_OF_MESH.has(service) || view?.instances.some(({ instance }) => instance.protocol === "grpc");
  if (!isOfMesh) return;
  throw new Failure("denied", `${service} is a service of the mesh, which registers with its certificate`, {
    reason: "SERVICE_OF_ANOTHER",
    metadata: { rule: "a service is registered by its own identity", service },
  });
}

/** Whoever the contracts speak of. */
const NAMES_OF_MESH: ReadonlySet<string> = new Set(allContracts().flatMap(({ callers }) => callers));
