import type { TLSSocket } from "node:tls";
import { Counter, type Registry } from "prom-client";
import { hostAndPort } from "../../runtime/host-port.ts";
import type { Logger } from "../../runtime/logger.ts";

/** A flood of connections is not to become a flood of lines. */
const MOST_LINES_A_SECOND = 50;

/** What OpenSSL and Node call it, and what it means here. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: "TLS_TOO_OLD",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "TLS_TOO_OLD",
  ERR_SSL_HTTP_REQUEST: "NOT_TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "NOT_TLS",
  ERR_TLS_HANDSHAKE_TIMEOUT: "HANDSHAKE_TIMEOUT",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "NO_CERTIFICATE",
  CERT_HAS_EXPIRED: "CERTIFICATE_EXPIRED",
  CERT_NOT_YET_VALID: "CERTIFICATE_NOT_YET_VALID",
  DEPTH_ZERO_SELF_SIGNED_CERT: "CERTIFICATE_OF_A_STRANGER",
  SELF_SIGNED_CERT_IN_CHAIN: "CERTIFICATE_OF_A_STRANGER",
  UNABLE_TO_GET_ISSUER_CERT: "CERTIFICATE_OF_A_STRANGER",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "CERTIFICATE_OF_A_STRANGER",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "CERTIFICATE_OF_A_STRANGER",
  CERT_SIGNATURE_FAILURE: "CERTIFICATE_OF_A_STRANGER",
  INVALID_PURPOSE: "CERTIFICATE_FOR_SOMETHING_ELSE",
};

/** Writes one line for each connection that was refused before it was secured, and counts it. */
export function handshakeAudit(options: {
  logger: Logger;
  metrics: Registry;
}): (error: NodeJS.ErrnoException, socket: TLSSocket) => void {
  const refused = new Counter({
    name: "grpc_server_refused_connections_total",
    help: "Connections that were refused before they were secured, by reason.",
    labelNames: ["reason"],
    registers: [options.metrics],
  });
  let second = 0;
  let lines = 0;
  return (error, socket) => {
    const reason = reasonOf(error, socket);
    refused.inc({ reason });
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) {
      second = now;
      lines = 0;
    }
    if (++lines > MOST_LINES_A_SECOND) return;
    const { remoteAddress, remotePort } = socket;
    const peer = remoteAddress === undefined ? "unknown" : hostAndPort(remoteAddress, remotePort ?? 0);
    options.logger.warn({ audit: true, reason, peer }, "connection refused");
  };
}

function reasonOf(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // Node tells of a certificate that it does not accept by closing the connection, and leaves the reason behind.
  const rejected = socket.authorizationError as unknown as string | Error | undefined;
  if (rejected !== undefined && rejected !== null) {
    if (socket.getPeerX509Certificate() === undefined) return "NO_CERTIFICATE";
    return REASONS[String(rejected instanceof Error ? rejected.message : rejected)] ?? "CERTIFICATE_REFUSED";
  }
  return REASONS[error.code ?? ""] ?? "HANDSHAKE_FAILED";
}
