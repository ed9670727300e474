import { TYPE_URL_PREFIX } from "./protos.ts";

/**
 * The types of resources, in the order in which changes of them are sent.
 *
 * Routes go before clusters and endpoints: a version is out of the routes
 * before its last endpoint is gone. The other way round asks for no order: a
 * client that sees a new cluster in its routes gets it before it uses it.
 */
export const resourceTypes = [
  "envoy.config.listener.v3.Listener",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
] as const;

export type ResourceType = (typeof resourceTypes)[number];

export const ASSIGNMENT = "envoy.config.endpoint.v3.ClusterLoadAssignment" satisfies ResourceType;

/**
 * The types whose responses hold everything that a client has subscribed to:
 * to them, what is not in a response does not exist (xDS, "state of the world").
 */
export const wholeTypes: ReadonlySet<ResourceType> = new Set([
  "envoy.config.listener.v3.Listener",
  "envoy.config.cluster.v3.Cluster",
]);

const byUrl = new Map<string, ResourceType>(resourceTypes.map((type) => [typeUrlOf(type), type]));

/** "type.googleapis.com/envoy.config.listener.v3.Listener" */
export function typeUrlOf(type: ResourceType): string {
  return `${TYPE_URL_PREFIX}${type}`;
}

/** Undefined if it is no type of ours. */
export function typeOfUrl(typeUrl: string): ResourceType | undefined {
  return byUrl.get(typeUrl);
}

/** "Listener" */
export function shortNameOf(type: ResourceType): string {
  return type.slice(type.lastIndexOf(".") + 1);
}
