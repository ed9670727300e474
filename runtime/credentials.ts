import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import { Counter, Gauge, type Registry } from "prom-client";
import { EXIT_BAD_CONFIG } from "./config.ts";
import { CredentialsError, type KeyMaterial, readKeyMaterial } from "./credential-files.ts";
import type { Logger } from "./logger.ts";
import { callerByCertificate, certificateOf, MutualTlsChannelCredentials, MutualTlsServerCredentials } from "./mutual-tls.ts";
import { pollEvery } from "./poll.ts";
import type { Caller, Security, ServerSecurity } from "./security.ts";
import { type Identity, spiffeId } from "./spiffe.ts";
import { TrustedConnections } from "./trusted-connections.ts";

/** How soon files that were changed are in force. */
const POLL_MS = 1_000;
/** A folder that is just being written is whole again within this. */
const ATTEMPTS = 5;
const ATTEMPT_MS = 50;
/** Certificates are renewed at half of their life: one of which less than this share is left was forgotten. */
const FORGOTTEN = 1 / 3;

export interface CredentialsOptions {
  /** Where ca.crt, tls.crt and tls.key are. */
  folder: string;
  logger: Logger;
  metrics?: Registry;
  now?: () => Date;
}

/**
 * Who this process is, and whom it trusts.
 *
 * The files are read again when they have changed: connections that are opened
 * from then on prove themselves by the new ones. Files that cannot be used leave
 * in force what was there.
 */
export class Credentials implements Security {
  readonly #options: CredentialsOptions;
  readonly #now: () => Date;
  readonly #metrics: ReturnType<typeof metricsIn> | undefined;
  readonly #server: MutualTlsServerCredentials;
  readonly #channels = new Map<string, MutualTlsChannelCredentials>();
  readonly #connections = new TrustedConnections();
  #material: KeyMaterial;
  #stopPolling = () => {};
  #problem = "";
  #warnedOf: KeyMaterial | undefined;

  private constructor(options: CredentialsOptions, material: KeyMaterial) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#material = material;
    this.#server = new MutualTlsServerCredentials(material);
    this.#metrics = options.metrics && metricsIn(options.metrics);
    this.#metrics?.expiry.set(material.notAfter.getTime() / 1_000);
  }

  /** @throws CredentialsError if the files cannot be used. */
  static async open(options: CredentialsOptions): Promise<Credentials> {
    const { folder, now = () => new Date() } = options;
    const credentials = new Credentials(options, await untilWhole(() => readKeyMaterial(folder, now())));
    const onError = (error: unknown) => credentials.#complain(error);
    credentials.#stopPolling = pollEvery(POLL_MS, () => credentials.reload(), onError);
    return credentials;
  }

  get identity(): Identity {
    return this.#material.identity;
  }

  /** When what is in force now expires. */
  get notAfter(): Date {
    return this.#material.notAfter;
  }

  /** For servers: callers have to prove an identity too. */
  server(): ServerSecurity {
    const { identity } = this;
    const callers = new WeakMap<ServerHttp2Session, Caller>();
    return {
      credentials: this.#server,
      callerOf: (session) => {
        const known = callers.get(session);
        if (known !== undefined) return known;
        const certificate = certificateOf(session);
        const caller = callerByCertificate(certificate, identity);
        callers.set(session, caller);
        if (certificate !== undefined) {
          const [close, destroy] = [() => session.close(), () => session.destroy()];
          session.once("close", this.#connections.add({ certificate, close, destroy }));
        }
        return caller;
      },
    };
  }

  /** For channels to `service`: whoever answers has to prove that it is that. */
  channel(service: string): MutualTlsChannelCredentials {
    let channel = this.#channels.get(service);
    if (channel === undefined) {
      channel = new MutualTlsChannelCredentials(this.#material, service, this.#connections);
      this.#channels.set(service, channel);
    }
    return channel;
  }

  secure(socket: Socket, service: string): Promise<TLSSocket> {
    return this.channel(service).secure(socket);
  }

  /** Reads the files, as happens every second. @throws CredentialsError if they cannot be used; then nothing has changed. */
  async reload(): Promise<void> {
    const { folder, logger } = this.#options;
    const material = await untilWhole(() => readKeyMaterial(folder, this.#now(), this.#material));
    if (!isDeepStrictEqual(material.identity, this.identity)) {
      throw new CredentialsError(
        `${folder} is of ${spiffeId(material.identity)} now: this process is ${spiffeId(this.identity)}`,
      );
    }
    if (material !== this.#material) {
      const rolled = !material.ca.equals(this.#material.ca);
      this.#material = material;
      this.#server.update(material);
      for (const channel of this.#channels.values()) channel.update(material);
      if (rolled) this.#connections.retain(material.roots);
      this.#metrics?.expiry.set(material.notAfter.getTime() / 1_000);
      logger.info({ identity: spiffeId(material.identity), notAfter: material.notAfter }, "the certificate was renewed");
    }
    this.#problem = "";
    this.#warnOfForgotten();
  }

  close(): void {
    this.#stopPolling();
  }

  #warnOfForgotten(): void {
    const { notBefore, notAfter } = this.#material;
    const left = notAfter.getTime() - this.#now().getTime();
    if (this.#warnedOf === this.#material || left > (notAfter.getTime() - notBefore.getTime()) * FORGOTTEN) return;
    this.#warnedOf = this.#material;
    this.#options.logger.warn({ notAfter }, "the certificate expires soon, and nobody has renewed it");
  }

  /** Once for each problem, not every second. */
  #complain(error: unknown): void {
    this.#metrics?.failures.inc();
    const problem = error instanceof CredentialsError ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.logger.error({ problem, notAfter: this.notAfter }, "the certificate cannot be renewed: the old one is kept");
  }
}

/**
 * As Credentials.open, for a process that is an instance of `service`: credentials
 * of anybody else are as wrong as none. Prints what is wrong and ends the process with status 64.
 */
export async function readCredentials(service: string, options: CredentialsOptions): Promise<Credentials> {
  try {
    const credentials = await Credentials.open(options);
    const { identity } = credentials;
    if (identity.name === service) return credentials;
    credentials.close();
    throw new CredentialsError(`${options.folder} is of ${spiffeId(identity)}: this is ${service}`);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    const hint = `\`bookmesh certs issue ${service}\` makes credentials; CREDENTIALS_DIR says where they are`;
    process.stderr.write(`bad configuration\n  CREDENTIALS_DIR: ${error.message}\n  ${hint}\n`);
    process.exit(EXIT_BAD_CONFIG);
  }
}

function metricsIn(registry: Registry) {
  return {
    expiry: new Gauge({
      name: "tls_certificate_expiry_timestamp_seconds",
      help: "When the certificate in force expires.",
      registers: [registry],
    }),
    failures: new Counter({
      name: "tls_certificate_reload_failures_total",
      help: "How often the files of the credentials could not be used.",
      registers: [registry],
    }),
  };
}

async function untilWhole<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
    }
  }
}
