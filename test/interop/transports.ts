import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChannelCredentials } from "@grpc/grpc-js";
import { createRoot, issueLeaf } from "../../cli/certs/authority.ts";
import { credentialPath, writeCredentials } from "../../cli/certs/credential-folder.ts";
import { Credentials } from "../../runtime/credentials.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Security } from "../../runtime/security.ts";
import { DEFAULT_TRUST_DOMAIN } from "../../runtime/spiffe.ts";
import { plaintext } from "../support/plaintext.ts";

/** How the cases are carried, as docs/interop.md names it. */
export const transportNames = ["plaintext", "mTLS"] as const;
export type TransportName = (typeof transportNames)[number];

/** One way for clients to reach the server. */
export interface Transport extends AsyncDisposable {
  readonly server: Pick<Security, "server">;
  /** For a client that knows nothing of the mesh: it looks for the name "localhost" in the certificate. */
  readonly client: ChannelCredentials;
  /** Where ca.crt, tls.crt and tls.key of that client are; undefined in plaintext. */
  readonly clientFolder: string | undefined;
}

/** @returns to be bound with `await using`, which removes what it has written. */
export async function openTransport(name: TransportName, options: { logger: Logger }): Promise<Transport> {
  return name === "mTLS" ? openMutualTls(options) : openPlaintext();
}

function openPlaintext(): Transport {
  return {
    server: plaintext(),
    client: ChannelCredentials.createInsecure(),
    clientFolder: undefined,
    async [Symbol.asyncDispose]() {},
  };
}

async function openMutualTls({ logger }: { logger: Logger }): Promise<Transport> {
  const folder = await mkdtemp(join(tmpdir(), "bookmesh-interop-"));
  const serverFolder = join(folder, "server");
  const clientFolder = join(folder, "client");
  const now = new Date();
  const validity = { notBefore: now, notAfter: new Date(now.getTime() + 3_600_000) };
  const root = await createRoot({ trustDomain: DEFAULT_TRUST_DOMAIN, now });
  for (const [name, into] of Object.entries({ interop: serverFolder, caller: clientFolder })) {
    const leaf = await issueLeaf(root, { trustDomain: DEFAULT_TRUST_DOMAIN, name, ...validity });
    await writeCredentials(into, { ca: root.certificatePem, certificate: leaf.certificatePem, key: leaf.keyPem });
  }
  const credentials = await Credentials.open({ folder: serverFolder, logger });
  const [ca, key, certificate] = await Promise.all(
    (["ca", "key", "certificate"] as const).map((kind) => readFile(credentialPath(clientFolder, kind))),
  );
  return {
    server: credentials,
    client: ChannelCredentials.createSsl(ca, key, certificate),
    clientFolder,
    async [Symbol.asyncDispose]() {
      credentials.close();
      await rm(folder, { recursive: true });
    },
  };
}
