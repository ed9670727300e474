import type { RoutedService } from "../routing.ts";
import { assignmentOf } from "./assignments.ts";
import { clusterNameOf, clusterOf } from "./clusters.ts";
import { listenerOf } from "./listener.ts";
import { compare } from "./order.ts";
import { type AnyMessage, pack } from "./protos.ts";
import { ASSIGNMENT, type ResourceType } from "./resource-type.ts";
import { routesOf, sharesOf } from "./routes.ts";

/** A resource as it should be. */
interface Draft {
  readonly type: ResourceType;
  readonly name: string;
  readonly message: AnyMessage;
  /** Whether it says that there is nothing. */
  readonly empty: boolean;
}

/**
 * The listener, the routes and the clusters of a service.
 *
 * @param versions those that have a cluster of their own: all that have ever been in a split.
 */
export function routingOf(service: RoutedService, versions: ReadonlySet<string>): readonly Draft[] {
  const listener = "envoy.config.listener.v3.Listener";
  const routes = "envoy.config.route.v3.RouteConfiguration";
  const cluster = "envoy.config.cluster.v3.Cluster";
  return [
    { type: listener, name: service.name, message: pack(listener, listenerOf(service.name)), empty: false },
    { type: routes, name: service.name, message: pack(routes, routesOf(service)), empty: false },
    ...[undefined, ...sorted(versions)]
      .map((version) => clusterNameOf(service.name, version))
      .map((name): Draft => ({ type: cluster, name, message: pack(cluster, clusterOf(name, service)), empty: false })),
  ];
}

/** What routingOf() depends on. Equal texts, equal resources. */
export function routingKeyOf(service: RoutedService, versions: ReadonlySet<string>): string {
  return JSON.stringify({ ...service, endpoints: sharesOf(service), versions: sorted(versions) });
}

/** Where the clusters of a service have their endpoints. */
export function assignmentsOf(service: RoutedService, versions: ReadonlySet<string>): readonly Draft[] {
  return [undefined, ...sorted(versions)].map((version) => {
    const name = clusterNameOf(service.name, version);
    const endpoints = service.endpoints.filter((endpoint) => version === undefined || endpoint.version === version);
    const message = pack(ASSIGNMENT, assignmentOf(name, endpoints, service.balancing));
    return { type: ASSIGNMENT, name, message, empty: endpoints.length === 0 };
  });
}

function sorted(versions: ReadonlySet<string>): readonly string[] {
  return [...versions].sort(compare);
}
