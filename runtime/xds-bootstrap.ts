/** Who asks the control plane, and where it is. */
export interface XdsBootstrapOptions {
  /** The control planes, each as "host:port" or "unix:<socket>". A client asks the first that it supports. */
  registries: readonly string[];
  /** The name of this client, unique in the mesh. */
  nodeId: string;
  /** The service that the client belongs to. */
  cluster: string;
  zone?: string;
}

/**
 * The bootstrap document that a gRPC client needs to resolve "xds:///…" (gRFC A27), as JSON.
 *
 * With ignore_resource_deletion (gRFC A53) a client keeps calling when a registry
 * comes back without memory. C-core before 1.53 wants to be told xds_v3.
 */
export function xdsBootstrap({ registries, nodeId, cluster, zone = "" }: XdsBootstrapOptions): string {
  const document = {
    xds_servers: registries.map((registry) => ({
      server_uri: registry,
      channel_creds: [{ type: "insecure" }],
      server_features: ["xds_v3", "ignore_resource_deletion"],
    })),
    // grpc-js fails with a misleading message where one of the four is missing.
    node: { id: nodeId, cluster, locality: { zone }, metadata: {} },
  };
  return JSON.stringify(document, undefined, 2);
}

/**
 * Makes a document the bootstrap of this process, if it has none yet.
 *
 * The environment is the only place where grpc-js-xds looks for it.
 */
export function useXdsBootstrap(document: string): void {
  const { env } = process;
  if (!env.GRPC_XDS_BOOTSTRAP) env.GRPC_XDS_BOOTSTRAP_CONFIG ||= document;
}
