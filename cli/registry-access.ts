import pino from "pino";
import { CredentialsError } from "../runtime/credential-files.ts";
import { Credentials } from "../runtime/credentials.ts";
import type { ChannelSecurity } from "../runtime/security.ts";
import { BadSettings } from "./bad-settings.ts";
import { MeshAuthority, OPERATOR } from "./certs/mesh-authority.ts";
import { type RegistryOptions, registriesFrom } from "./registry-option.ts";

/** Where the registries are, and who asks them. */
export interface RegistryAccess {
  /** Each as "host:port". */
  readonly addresses: readonly string[];
  readonly credentials: ChannelSecurity;
}

/** Thrown when the operator of a mesh has no certificate that is any good. */
export class NoCredentials extends Error {
  override readonly name = "NoCredentials";
}

/**
 * Finds out where the registries are, and proves by the operator's certificate who asks them.
 *
 * @returns to be bound with `using`.
 * @throws BadSettings if what the options or the environment say cannot be used.
 * @throws NoCredentials if they say nothing, and the mesh on this machine has no certificate for its operator.
 */
export async function openAccess(options: RegistryOptions, env: NodeJS.ProcessEnv): Promise<RegistryAccess & Disposable> {
  const addresses = registriesFrom(options, env);
  const credentials = await openCredentials(options, env);
  return { addresses, credentials, [Symbol.dispose]: () => credentials.close() };
}

/** As openAccess, for a command that needs no registry. @returns the credentials, which are the caller's to close. */
export async function openCredentials(options: RegistryOptions, env: NodeJS.ProcessEnv): Promise<Credentials> {
  // People are told of failures by exit status and a sentence.
  const logger = pino({ level: "silent" });
  const folder = credentialsFolder(options, env);
  try {
    return await Credentials.open({ folder, logger });
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    if (options.credentials) throw new BadSettings(`--credentials: ${error.message}: ${issueInto(folder)}`);
    if (env.CREDENTIALS_DIR) throw new BadSettings(`CREDENTIALS_DIR: ${error.message}: ${issueInto(folder)}`);
    throw new NoCredentials(
      `${error.message}: \`bookmesh certs issue ${OPERATOR}\` makes the certificate to call with, and so does \`npm start\`; ` +
        "--credentials says where another one is",
    );
  }
}

/** Where ca.crt, tls.crt and tls.key of whoever runs the command are. */
export function credentialsFolder(options: Pick<RegistryOptions, "credentials" | "data">, env: NodeJS.ProcessEnv): string {
  return options.credentials || env.CREDENTIALS_DIR || new MeshAuthority(options.data).folderOf(OPERATOR);
}

function issueInto(folder: string): string {
  return `\`bookmesh certs issue ${OPERATOR} --out ${folder}\` makes them, where the authority of the mesh is`;
}
