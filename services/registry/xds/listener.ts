import type { Listener } from "@grpc/grpc-js-xds/build/src/generated/envoy/config/listener/v3/Listener.js";
import { FAULT_FILTER, httpFault } from "./fault.ts";
import { pack } from "./protos.ts";

/**
 * Where a client of a service begins (gRFCs A27, A39): its routes have the name of the service.
 *
 * It never changes: grpc-js 1.14 does not act on a changed listener before its
 * routes change too. What can change is in the routes.
 */
export function listenerOf(service: string): Listener {
  const connectionManager = pack("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    rds: { route_config_name: service, config_source: { ads: {}, resource_api_version: "V3" } },
    http_filters: [
      { name: FAULT_FILTER, typed_config: httpFault(undefined) },
      // It has to be the last.
      { name: "envoy.router", typed_config: pack("envoy.extensions.filters.http.router.v3.Router", {}) },
    ],
  });
  return { name: service, api_listener: { api_listener: connectionManager } };
}
