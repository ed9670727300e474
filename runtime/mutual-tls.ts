import { constants, X509Certificate } from "node:crypto";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from "node:tls";
import { CallCredentials, ChannelCredentials, ServerCredentials } from "@grpc/grpc-js";
import type { KeyMaterial } from "./credential-files.ts";
import type { Caller } from "./security.ts";
import { type Identity, identityOf, spiffeId } from "./spiffe.ts";
import { TrustedConnections } from "./trusted-connections.ts";

// grpc-js has credentials that watch files, but with those it accepts TLS 1.2,
// and uses any certificate that it finds, a broken one included. These are made
// of the same abstract classes, and are told what to use.

const HANDSHAKE_MS = 5_000;
/** HTTP/2, and nothing else: a peer that speaks no ALPN is not one of the mesh. */
const ALPN = "h2";

/** Credentials of a server whose callers prove an identity too, by TLS 1.3. */
export class MutualTlsServerCredentials extends ServerCredentials {
  constructor(material: KeyMaterial) {
    super({ requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_MS }, contextOptions(material));
  }

  /** For connections that are opened from now on. */
  update(material: KeyMaterial): void {
    this.updateSecureContextOptions(contextOptions(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

/** Credentials of channels to one service: it has to prove, by TLS 1.3, that it is that. */
export class MutualTlsChannelCredentials extends ChannelCredentials {
  readonly #service: string;
  #expected: string;
  #context: SecureContext;
  readonly #connections: TrustedConnections;

  constructor(material: KeyMaterial, service: string, connections = new TrustedConnections()) {
    super();
    this.#service = service;
    this.#connections = connections;
    this.#expected = spiffeId({ ...material.identity, name: service });
    this.#context = createSecureContext(contextOptions(material));
  }

  /** For connections that are opened from now on. */
  update(material: KeyMaterial): void {
    this.#expected = spiffeId({ ...material.identity, name: this.#service });
    this.#context = createSecureContext(contextOptions(material));
  }

  /**
   * Speaks TLS on a connection to the service.
   *
   * @returns the connection, which tells of its end by "close".
   * @throws if whoever answers does not prove that it is the service, or takes longer than five seconds for it.
   */
  secure(socket: Socket): Promise<TLSSocket> {
    const options: ConnectionOptions = {
      socket,
      secureContext: this.#context,
      servername: this.#service,
      ALPNProtocols: [ALPN],
      // The default is what NODE_TLS_REJECT_UNAUTHORIZED says, by which many people's environments trust anybody.
      rejectUnauthorized: true,
      checkServerIdentity: (_name, certificate) => this.#checkIdentity(certificate),
    };
    return new Promise((resolve, reject) => {
      const secured = connect(options);
      // Whoever has the connection hears of its end by its close. An error that nobody listened for would end the process.
      secured.on("error", ignore);
      const timer = setTimeout(() => secured.destroy(new Error("no TLS handshake in time")), HANDSHAKE_MS);
      const fail = (error?: Error) => {
        clearTimeout(timer);
        reject(error ?? new Error("the connection was closed in the TLS handshake"));
      };
      secured.once("close", fail).once("error", fail);
      secured.once("secureConnect", () => {
        clearTimeout(timer);
        secured.off("close", fail).off("error", fail);
        if (secured.alpnProtocol === ALPN) {
          this.#remember(secured);
          return resolve(secured);
        }
        secured.destroy();
        reject(new Error("the server speaks no HTTP/2"));
      });
    });
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials: CallCredentials = CallCredentials.createEmpty(),
  ): ReturnType<ChannelCredentials["_createSecureConnector"]> {
    return {
      connect: async (socket) => ({ socket: await this.secure(socket), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials,
      destroy() {},
    };
  }

  #remember(secured: TLSSocket): void {
    // A client that asks for the X509Certificate of its peer gets it once only (Node 24).
    const certificate = new X509Certificate(secured.getPeerCertificate().raw);
    secured.once("close", this.#connections.add({ certificate, close() {}, destroy: () => void secured.destroy() }));
  }

  /** Instead of the host's name: addresses come and go, and none of them is what the service is. */
  #checkIdentity({ subjectaltname }: PeerCertificate): Error | undefined {
    const identity = identityOf({ subjectAltName: subjectaltname });
    const found = identity === undefined ? "nobody of a mesh" : spiffeId(identity);
    return found === this.#expected ? undefined : new Error(`${this.#expected} was expected, and ${found} answers`);
  }
}

/** What whoever is at the other end of a connection has proven itself by. */
export function certificateOf(session: ServerHttp2Session): X509Certificate | undefined {
  // The session gives a stand-in for its socket that hides none of what is read here.
  return (session.socket as TLSSocket | undefined)?.getPeerX509Certificate?.();
}

/** Who is at the other end of a connection that was secured by MutualTlsServerCredentials. */
export function callerByCertificate(certificate: X509Certificate | undefined, own: Identity): Caller {
  const identity = certificate && identityOf(certificate);
  return {
    identity: identity?.trustDomain === own.trustDomain ? identity : undefined,
    validUntil: certificate?.validToDate.getTime() ?? 0,
  };
}

function contextOptions({ ca, certificate, key }: KeyMaterial): SecureContextOptions {
  // A session that is resumed by a ticket would skip the look at the certificate.
  return { ca, cert: certificate, key, minVersion: "TLSv1.3", secureOptions: constants.SSL_OP_NO_TICKET };
}

function ignore(): void {}
