import type { ClusterLoadAssignment } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/endpoint/v3/ClusterLoadAssignment.js";
import type { Balancing, Endpoint } from "../routing.ts";
import { compare } from "./order.ts";

/** The endpoints of a cluster (gRFC A27). The order in which they are handed over does not show. */
export function assignmentOf(cluster: string, endpoints: readonly Endpoint[], { policy }: Balancing): ClusterLoadAssignment {
  return {
    cluster_name: cluster,
    endpoints: localitiesOf(distinct(endpoints), policy).map(({ zone, subZone, weight, members }) => ({
      locality: { zone, sub_zone: subZone },
      load_balancing_weight: { value: weight },
      lb_endpoints: members.map((endpoint) => ({
        endpoint: { address: { socket_address: { address: endpoint.address, port_value: endpoint.port } } },
        ...(policy === "ring-hash" && { load_balancing_weight: { value: endpoint.weight } }),
      })),
    })),
  };
}

interface Locality {
  readonly zone: string;
  readonly subZone: string;
  /** Its share of the calls, against the weights of the others. */
  weight: number;
  readonly members: readonly Endpoint[];
}

/**
 * The groups of endpoints that make clients balance as they should.
 *
 * Clients of every language draw a locality by its weight and go round the
 * endpoints in it, and they do so without any policy of ours. So
 * - round robin is one locality for each zone, which weighs as much as it has endpoints;
 * - weights make one locality for each zone and weight, which weighs as much as its endpoints together;
 * - random makes each endpoint a locality;
 * - ring hash has one locality: what an endpoint weighs within its locality is
 *   multiplied by the weight of the locality in some clients, and by its share
 *   in others (gRFCs A42, A113). With one they all make the same ring;
 * - pick first has one, so that the first endpoint of all comes first;
 * - least request has one, so that any two endpoints are compared.
 */
function localitiesOf(endpoints: readonly Endpoint[], policy: Balancing["policy"]): readonly Locality[] {
  switch (policy) {
    case "ring-hash":
    case "pick-first":
    case "least-request":
      return endpoints.length === 0 ? [] : [{ zone: "", subZone: "", weight: 1, members: endpoints }];
    case "weighted-round-robin":
      return grouped(endpoints, ({ weight }) => ({ subZone: `weight-${weight}`, share: weight }));
    case "random":
      return grouped(endpoints, ({ address, port }) => ({ subZone: `${address}:${port}`, share: 1 }));
    default:
      return grouped(endpoints, () => ({ subZone: "", share: 1 }));
  }
}

function grouped(
  endpoints: readonly Endpoint[],
  placeOf: (endpoint: Endpoint) => { subZone: string; share: number },
): readonly Locality[] {
  const localities = new Map<string, Locality & { readonly members: Endpoint[] }>();
  for (const endpoint of endpoints) {
    const { zone } = endpoint;
    const { subZone, share } = placeOf(endpoint);
    const key = `${zone}/${subZone}`;
    const locality = localities.get(key) ?? { zone, subZone, weight: 0, members: [] };
    localities.set(key, locality);
    locality.weight += share;
    locality.members.push(endpoint);
  }
  return [...localities.values()];
}

/**
 * The endpoints in an order of their own, each address once.
 *
 * An instance that has started anew with another id stands beside its former
 * self until the lease of that has run out; clients refuse everything if an
 * address comes twice.
 */
function distinct(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const sorted = endpoints.toSorted(
    (a, b) =>
      compare(a.zone, b.zone) ||
      compare(a.address, b.address) ||
      a.port - b.port ||
      a.weight - b.weight ||
      compare(a.version, b.version),
  );
  const byAddress = new Map(sorted.toReversed().map((endpoint) => [`${endpoint.address}:${endpoint.port}`, endpoint]));
  return sorted.filter((endpoint) => byAddress.get(`${endpoint.address}:${endpoint.port}`) === endpoint);
}
