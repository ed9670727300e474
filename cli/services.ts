import { resolve } from "node:path";

/** The settings of a service that are ports. */
export type PortSetting = "PORT" | "ADMIN_PORT" | "HTTP_PORT";

/** A service that `bookmesh up` runs, in one process or several. */
export interface Service {
  /** Lower case letters. In capitals it is the prefix of the settings of this service. */
  readonly name: string;
  /** The program, as an absolute path. */
  readonly main: string;
  /** The default of each port of the first process. */
  readonly ports: { readonly PORT: number; readonly ADMIN_PORT: number; readonly HTTP_PORT?: number };
  /** Services of a higher stage call those of a lower one, and stop before them. */
  readonly stage: number;
  /** The setting that names a folder of its own, besides its store. */
  readonly folder?: "DOCUMENTS_DIR" | "MODEL_DIR";
  /** What its process is told besides its settings. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Large files pass through: what is young in memory is buffers that nobody needs any more (bench/documents). */
const LITTLE_MEMORY = { NODE_OPTIONS: "--max-semi-space-size=1", MALLOC_ARENA_MAX: "1" };

/** Everything that `bookmesh up` runs, in the order in which it is started. */
export const services: readonly Service[] = [
  service("registry", { PORT: 50050, ADMIN_PORT: 9050, HTTP_PORT: 8500 }, 0),
  service("register", { PORT: 50053, ADMIN_PORT: 9053, HTTP_PORT: 5002 }, 1),
  service("marketplace", { PORT: 50052, ADMIN_PORT: 9052, HTTP_PORT: 5000 }, 2),
  service("recommendations", { PORT: 50051, ADMIN_PORT: 9051 }, 2, { folder: "MODEL_DIR" }),
  service("push", { PORT: 50054, ADMIN_PORT: 9054 }, 2),
  service("orders", { PORT: 50055, ADMIN_PORT: 9055 }, 2),
  service("reviews", { PORT: 50056, ADMIN_PORT: 9056 }, 2),
  service("documents", { PORT: 50057, ADMIN_PORT: 9057 }, 2, { folder: "DOCUMENTS_DIR", environment: LITTLE_MEMORY }),
];

/** The name that a setting of a service has under `bookmesh up`: RECOMMENDATIONS_PORT, for one. */
export function settingOf(service: Service, setting: string): string {
  return `${service.name.toUpperCase()}_${setting}`;
}

function service(
  name: string,
  ports: Service["ports"],
  stage: number,
  more: Pick<Service, "folder" | "environment"> = {},
): Service {
  return { name, main: resolve(import.meta.dirname, "..", "services", name, "main.ts"), ports, stage, ...more };
}
