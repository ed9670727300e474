import type { TLSSocket } from "node:tls";
import { Counter, type Registry } from "prom-client";
import type { Logger } from "../../runtime/logger.ts";

/** A flood of connections is not to become a flood of lines. */
const MOST_LINES_A_SECOND = 50;

/** What Node and OpenSSL call it, and what it means here. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: "TLS_TOO_OLD",
  ERR_SSL_HTTP_REQUEST: "NOT_TLS",
  ERR_SSL_HTTPS_PROXY_REQUEST: "NOT_TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "NOT_TLS",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "NO_HTTP2",
  ERR_TLS_HANDSHAKE_TIMEOUT: "HANDSHAKE_TIMEOUT",
  TOO_MANY_CONNECTIONS: "TOO_MANY_CONNECTIONS",
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

/** The client says that it does not trust the certificate of this server. Not all clients do. */
const SERVER_NOT_TRUSTED = /_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+)$/;
/** The client has closed the connection: one that probes the port, or stops, or does not say what it dislikes. */
const LEFT: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT"]);

/** Writes one line for each connection that was refused before it was secured, or for being one too many, and counts it. */
export function handshakeAudit(options: {
  logger: Logger;
  metrics: Registry;
}): (error: NodeJS.ErrnoException, socket: Pick<TLSSocket, "authorizationError">, peer: string) => void {
  const refused = new Counter({
    name: "grpc_server_refused_connections_total",
    help: "Connections that were refused, by reason.",
    labelNames: ["reason"],
    registers: [options.metrics],
  });
  let second = 0;
  let lines = 0;
  return (error, { authorizationError }, peer) => {
    // Node closes the connection of a certificate that it does not accept, as if its client had left, and leaves the reason behind.
    const rejected = authorizationError as unknown as string | null | undefined;
    if (!rejected && LEFT.has(error.code)) {
      options.logger.debug({ peer }, "a client left before the connection was secured");
      return;
    }
    const code = rejected || error.code || "";
    const reason = REASONS[code] ?? otherReason(code, rejected);
    refused.inc({ reason });
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) {
      second = now;
      lines = 0;
    }
    if (++lines <= MOST_LINES_A_SECOND) options.logger.warn({ audit: true, reason, code, peer }, "connection refused");
  };
}

function otherReason(code: string, rejected: string | null | undefined): string {
  if (rejected) return "CERTIFICATE_REFUSED";
  return SERVER_NOT_TRUSTED.test(code) ? "SERVER_NOT_TRUSTED" : "HANDSHAKE_FAILED";
}
