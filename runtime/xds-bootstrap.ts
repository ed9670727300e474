import { join } from "node:path";
import { CREDENTIAL_FILES } from "./credential-files.ts";

/** Who asks the control plane, and where it is. */
export interface XdsBootstrapOptions {
  /** The control planes, each as "host:port" or "unix:<socket>". A client asks the first that it supports. */
  registries: readonly string[];
  /** The name of this client, unique in the mesh. */
  nodeId: string;
  /** The service that the client belongs to. */
  cluster: string;
  zone?: string;
  /** What the client proves itself with to control planes that are not sockets: without it they are called in plaintext. */
  credentialsDir?: string;
}

/**
 * The bootstrap document that a gRPC client needs to resolve "xds:///…" (gRFC A27), as JSON.
 *
 * With ignore_resource_deletion (gRFC A53) a client keeps calling when a registry
 * comes back without memory. C-core before 1.53 wants to be told xds_v3.
 * Clients that know no "tls" (gRFC A65), grpc-js for one, need a relay.
 */
export function xdsBootstrap({ registries, nodeId, cluster, zone = "", credentialsDir }: XdsBootstrapOptions): string {
  const document = {
    xds_servers: registries.map((registry) => ({
      server_uri: registry,
      channel_creds: [registry.startsWith("unix:") ? INSECURE : channelCredentials(credentialsDir)],
      server_features: ["xds_v3", "ignore_resource_deletion"],
    })),
    // grpc-js fails with a misleading message where one of the four is missing.
    node: { id: nodeId, cluster, locality: { zone }, metadata: {} },
  };
  return JSON.stringify(document, undefined, 2);
}

const INSECURE = { type: "insecure" };

function channelCredentials(folder: string | undefined): object {
  if (folder === undefined) return INSECURE;
  return {
    type: "tls",
    config: {
      certificate_file: join(folder, CREDENTIAL_FILES.certificate),
      private_key_file: join(folder, CREDENTIAL_FILES.key),
      ca_certificate_file: join(folder, CREDENTIAL_FILES.ca),
      refresh_interval: "1s",
    },
  };
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
