import { type Command, InvalidArgumentError, Option } from "commander";
import { BadSettings } from "./bad-settings.ts";
import { dataOption } from "./data-option.ts";
import { readMeshFile } from "./mesh-file.ts";

const DEFAULT_REGISTRY = "127.0.0.1:50050";
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;

/** Where a command is told to look for the registry. */
export interface RegistryOptions {
  /** Each as "host:port". */
  registry?: readonly string[];
  /** The folder with the files of whoever asks. */
  credentials?: string;
  /** The data folder of `bookmesh up`. */
  data: string;
}

/** Gives a command `--registry`, `--credentials` and `--data`. */
export function withRegistryOptions(command: Command): Command {
  const registry = new Option("--registry <addresses>", "host:port of the registries, with commas between them");
  return command
    .addOption(registry.argParser(parseForCommander))
    .option("--credentials <folder>", "who asks: the folder with ca.crt, tls.crt and tls.key")
    .addOption(dataOption())
    .addHelpText("after", WHERE);
}

const WHERE = `
The registry is looked for where --registry says, else where REGISTRIES says, else where
"bookmesh up" with the same --data runs it, else at ${DEFAULT_REGISTRY}. It is asked by whoever --credentials says,
else CREDENTIALS_DIR, else the operator of "bookmesh up" with the same --data.
Exit status: 0 done, 64 bad usage, 65 the registry refused it, 69 no registry answers or there is no certificate.`;

/**
 * Where the registries are, each as "host:port".
 *
 * @throws BadSettings if REGISTRIES is not such a list.
 */
export function registriesFrom(options: RegistryOptions, env: NodeJS.ProcessEnv): readonly string[] {
  if (options.registry !== undefined) return options.registry;
  if (!env.REGISTRIES || env.REGISTRIES === "none") return readMeshFile(options.data)?.registries ?? [DEFAULT_REGISTRY];
  const addresses = parseAddresses(env.REGISTRIES);
  if (addresses === undefined) throw new BadSettings(`REGISTRIES: expected host:port[,host:port], not ${env.REGISTRIES}`);
  return addresses;
}

function parseForCommander(list: string): string[] {
  const addresses = parseAddresses(list);
  if (addresses === undefined) throw new InvalidArgumentError("Expected host:port[,host:port].");
  return addresses;
}

function parseAddresses(list: string): string[] | undefined {
  const addresses = list.split(",").map((address) => address.trim());
  return addresses.every((address) => ADDRESS.test(address)) ? addresses : undefined;
}
