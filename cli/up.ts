import { resolve } from "node:path";
import { Command, Option } from "commander";
import { EXIT_BAD_CONFIG } from "../runtime/config.ts";
import { Credentials } from "../runtime/credentials.ts";
import { EXIT_PORT_TAKEN } from "../runtime/run.ts";
import { announceReady } from "./announce.ts";
import { BadSettings } from "./bad-settings.ts";
import { AuthorityError } from "./certs/authority-folder.ts";
import { CredentialKeeper } from "./certs/keeper.ts";
import { MeshAuthority, OPERATOR } from "./certs/mesh-authority.ts";
import { dataOption } from "./data-option.ts";
import { environmentOf, ignoredSettings, servicesToCertify } from "./environment.ts";
import { EXIT_NO_CERTIFICATES } from "./exit-status.ts";
import { onNpmGone } from "./launcher.ts";
import { AlreadyRunning, type Lock, lockFolder } from "./lock.ts";
import { createLogView, type LogFormat, type LogView, logFormats, wantsColour } from "./log-view.ts";
import { removeMeshFile } from "./mesh-file.ts";
import { type Placement, placementsOf } from "./placement.ts";
import { claimPorts, PortsTaken } from "./ports.ts";
import { parseReplicas } from "./replicas.ts";
import { ServiceProcess } from "./service-process.ts";
import { type Service, services } from "./services.ts";
import { stopOnSignals } from "./signals.ts";
import { Supervisor } from "./supervisor.ts";

/** The default of SHUTDOWN_GRACE_MS in the services. */
const DEFAULT_GRACE_MS = 30_000;
/** What a service is given beyond its grace: it also has stores to close. */
const CLOSING_MS = 5_000;

const HELP = `
Examples:
  bookmesh up
  bookmesh up --replicas recommendations=3,push=2         three and two of them, on free ports beyond the first
  bookmesh up --replicas recommendations=2,recommendations@v2=1
                                                          two, and a third one that calls itself v2
  RECOMMENDATIONS_PORT=6051 bookmesh up                   a setting for one service has its name in front
  MARKETPLACE_RECOMMENDATIONS_HOST=10.0.0.7 bookmesh up   RECOMMENDATIONS_HOST, for marketplace alone

All processes of a service share its store, its certificate and its settings. While the shop runs, "bookmesh status" tells
how it fares, and "bookmesh certs" shows the certificates, which are made on the first start and renewed while it runs.
Exit status: 0 stopped in order, 1 calls were cut, 64 bad settings, 69 a port or the folder is taken,
74 certificates cannot be read or written.`;

export interface UpOptions {
  /** The folder of the stores. */
  data: string;
  logFormat: LogFormat;
  /** How many processes, as in "recommendations=2,recommendations@v2=1". One of each service where nothing is said. */
  replicas?: readonly string[];
}

/** `bookmesh up`: runs all services on this machine until Ctrl-C. */
export function upCommand(): Command {
  return new Command("up")
    .description("Run all services of the bookstore on this machine, until Ctrl-C.")
    .addOption(dataOption())
    .addOption(
      new Option("--log-format <format>", "lines for people, or JSON for machines").choices(logFormats).default("pretty"),
    )
    .option(
      "--replicas <counts>",
      "how many processes of a service, 1 to 20; <service>@<version>=<number> sets SERVICE_VERSION; may be repeated",
      (counts: string, earlier: string[] = []) => [...earlier, counts],
    )
    .addHelpText("after", HELP)
    .action(async (options: UpOptions) => process.exit(await up(services, options)));
}

/** @returns the exit status. */
export async function up(table: readonly Service[], options: UpOptions): Promise<number> {
  const { env } = process;
  const data = resolve(options.data);
  const authority = new MeshAuthority(data);
  let placements: Placement[];
  let lock: Lock;
  let keeper: CredentialKeeper;
  try {
    placements = placementsOf(table, env, parseReplicas(options.replicas ?? [], table));
    lock = lockFolder(data);
    placements = await claimPorts(placements);
    const names = [...servicesToCertify(env, placements), OPERATOR];
    keeper = await CredentialKeeper.open({ authority, names });
  } catch (error) {
    const status = exitStatusOf(error);
    if (status === undefined) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    return status;
  }

  // Of a mesh that was killed.
  removeMeshFile(data);
  const { stdout, stderr } = process;
  const view = createLogView({
    format: options.logFormat,
    colour: wantsColour(env, stdout.isTTY),
    names: placements.map(({ name }) => name),
    stdout,
    stderr,
  });
  for (const warning of ignoredSettings(env, placements)) view.log.warn(warning);

  const supervisor = new Supervisor(
    stagesOf(placements, { env, data, view, onHopeless: () => void supervisor.stop(EXIT_BAD_CONFIG) }),
  );
  stopOnSignals(supervisor, { log: view.log });
  onNpmGone(() => void supervisor.stop());
  const stopRenewing = keeper.start(view.log);
  supervisor.start();
  const credentials = await Credentials.open({ folder: authority.folderOf(OPERATOR), logger: view.log });
  void announceReady(placements, { data, view, credentials, signal: supervisor.stopping }).finally(() => credentials.close());
  const status = await supervisor.finished;
  stopRenewing();
  removeMeshFile(data);
  lock.release();
  if (status === 0) view.log.info("everything has stopped");
  return status;
}

function exitStatusOf(error: unknown): number | undefined {
  if (error instanceof BadSettings) return EXIT_BAD_CONFIG;
  if (error instanceof AlreadyRunning || error instanceof PortsTaken) return EXIT_PORT_TAKEN;
  return error instanceof AuthorityError ? EXIT_NO_CERTIFICATES : undefined;
}

function stagesOf(
  placements: readonly Placement[],
  options: { env: NodeJS.ProcessEnv; data: string; view: LogView; onHopeless: () => void },
): ServiceProcess[][] {
  const { view, onHopeless } = options;
  const stages = Map.groupBy(placements, ({ service }) => service.stage);
  return [...stages]
    .sort(([a], [b]) => a - b)
    .map(([, members]) =>
      members.map((placement) => {
        const { name, service } = placement;
        const env = environmentOf(placement, placements, options);
        const killAfterMs = Number(env.SHUTDOWN_GRACE_MS ?? DEFAULT_GRACE_MS) + CLOSING_MS;
        const program = { name, main: service.main, env, killAfterMs };
        return new ServiceProcess({ program, output: () => view.outputOf(name), log: view.log, onHopeless });
      }),
    );
}
