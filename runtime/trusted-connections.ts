import type { X509Certificate } from "node:crypto";

/** How long a connection may still be used whose root is trusted no more: for calls that are under way. */
const GRACE_MS = 5_000;

interface Connection {
  readonly certificate: X509Certificate;
  /** Takes no more calls: HTTP/2 refuses them in a way that clients take to a new connection. */
  close(): void;
  /** Ends those that are still there. */
  destroy(): void;
}

/** Connections that are open. They last no longer than the trust in the certificates that they were opened by. */
export class TrustedConnections {
  readonly #open = new Set<Connection>();

  /** @returns to be called when the connection has ended. */
  add(connection: Connection): () => void {
    this.#open.add(connection);
    return () => void this.#open.delete(connection);
  }

  /** Ends those whose certificates none of the roots has issued; where others stood in between, too: their peers connect again. */
  retain(roots: readonly X509Certificate[]): void {
    for (const connection of this.#open) {
      if (isIssuedBy(roots, connection.certificate)) continue;
      this.#open.delete(connection);
      connection.close();
      setTimeout(() => connection.destroy(), GRACE_MS).unref();
    }
  }
}

/** Whether one of the roots has issued a certificate. */
export function isIssuedBy(roots: readonly X509Certificate[], certificate: X509Certificate): boolean {
  return roots.some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
}
