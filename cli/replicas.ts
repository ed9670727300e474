import { BadSettings } from "./bad-settings.ts";
import type { Service } from "./services.ts";

/** Processes of one service that are alike. */
export interface ReplicaGroup {
  readonly service: Service;
  /** SERVICE_VERSION of these processes; undefined: not set by this. */
  readonly version: string | undefined;
  readonly count: number;
}

const GROUP = /^([^@=]+)(?:@([^=]*))?=(.*)$/;
/** What the contract of the registry lets a version be. */
const VERSION = /^[A-Za-z0-9][-A-Za-z0-9._]{0,62}$/;
const MOST = 20;

/**
 * Reads "recommendations=2,recommendations@v2=1,push=2": how many processes of which services, and of which versions.
 *
 * @param texts any number of such lists.
 * @throws BadSettings that lists everything that is wrong.
 */
export function parseReplicas(texts: readonly string[], services: readonly Service[]): ReplicaGroup[] {
  const problems: string[] = [];
  const groups: ReplicaGroup[] = [];
  for (const text of texts.flatMap((list) => list.split(","))) {
    const [, name = "", version, count = ""] = GROUP.exec(text.trim()) ?? [];
    const service = services.find((one) => one.name === name);
    if (name === "") problems.push(`${text}: expected <service>=<number> or <service>@<version>=<number>`);
    else if (service === undefined) problems.push(`${text}: there is no service ${name}, only ${namesOf(services)}`);
    else if (version !== undefined && !VERSION.test(version)) problems.push(`${text}: "${version}" is not a version`);
    else if (!/^\d{1,2}$/.test(count) || Number(count) < 1 || Number(count) > MOST) {
      problems.push(`${text}: expected a number from 1 to ${MOST}, not "${count}"`);
    } else if (groups.some((group) => group.service === service && group.version === version)) {
      problems.push(`${text}: ${version === undefined ? name : `${name}@${version}`} is given twice`);
    } else groups.push({ service, version, count: Number(count) });
  }
  if (problems.length > 0) throw new BadSettings(["bad --replicas", ...problems.map((problem) => `  ${problem}`)].join("\n"));
  return groups;
}

/**
 * The version of each process of a service, undefined where none is given: one process if nothing is said of the service.
 * Those without a version come first.
 */
export function versionsOf(service: Service, groups: readonly ReplicaGroup[]): (string | undefined)[] {
  const own = groups.filter((group) => group.service === service);
  if (own.length === 0) return [undefined];
  const [plain, versioned] = [
    own.filter(({ version }) => version === undefined),
    own.filter(({ version }) => version !== undefined),
  ];
  return [...plain, ...versioned].flatMap(({ version, count }) => Array<string | undefined>(count).fill(version));
}

function namesOf(services: readonly Service[]): string {
  return services.map(({ name }) => name).join(", ");
}
