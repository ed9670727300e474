import { delay } from "abort-controller-x";
import { type InstanceLoad, InstanceState } from "../../gen/mesh/registry/v1/instance.ts";
import { ServiceState } from "../../gen/mesh/registry/v1/registry_service.ts";
import { Wakeups } from "../../runtime/wakeups.ts";
import type { ServiceView } from "./catalog-view.ts";
import { serviceMessage } from "./messages.ts";
import type { Rules } from "./traffic.ts";

/** Watchers are not sent more often than this. */
const CHANGES_MS = 100;
/** How often they are sent what changes all the time: loads, and when instances were asked. */
const LOADS_MS = 2_000;
/** What is sent as one message; a little less than what gRPC takes. */
const MOST_BYTES = 4_000_000;

/** What is shown of the load of all instances together, before anybody looks whether it fits. */
const MOST_RATES = 20_000;

/** What is shown less of, one after the other, if all instances together are too much for one message. */
const DETAILS = [
  { rates: 10, description: true },
  { rates: 0, description: true },
  { rates: 0, description: false },
] as const;

const SERVICES = "services";

export interface OverviewSources {
  list(): readonly ServiceView[];
  rulesOf(service: string): Rules;
  loadOf(instanceId: string): InstanceLoad | undefined;
}

/** All services as messages, for those who look once and those who watch. */
export class Overview {
  readonly #sources: OverviewSources;
  readonly #wakeups = new Wakeups<typeof SERVICES>();
  readonly #timer: NodeJS.Timeout;
  /** Made once for all who look, until something changes. */
  #services: readonly ServiceState[] | undefined;
  #version = 0;
  #loadsChanged = false;

  constructor(sources: OverviewSources) {
    this.#sources = sources;
    this.#timer = setInterval(() => {
      if (this.#loadsChanged) this.changed();
    }, LOADS_MS).unref();
  }

  /** Something is not what it was. */
  changed(): void {
    this.#services = undefined;
    this.#loadsChanged = false;
    this.#version++;
    this.#wakeups.wake(SERVICES);
  }

  /** Something that changes all the time has changed. */
  loadChanged(): void {
    this.#services = undefined;
    this.#loadsChanged = true;
  }

  /** All services, by name; with less detail if they are very many. */
  services(): readonly ServiceState[] {
    this.#services ??= this.#states(this.#sources.list());
    return this.#services;
  }

  /** One service, likewise. */
  service(view: ServiceView): ServiceState {
    return this.#states([view])[0] as ServiceState;
  }

  #states(views: readonly ServiceView[]): readonly ServiceState[] {
    const { rulesOf, loadOf } = this.#sources;
    const instances = views.reduce((sum, view) => sum + view.instances.length, 0);
    const rates = Math.floor(MOST_RATES / instances);
    return fitting(views.map((view) => serviceMessage(view, rulesOf(view.name), (id) => withRates(loadOf(id), rates))));
  }

  /** All services now, and again after changes, until the signal aborts. */
  watch(signal: AbortSignal): AsyncGenerator<readonly ServiceState[], never> {
    let sent = -1;
    let sentAtMs = Number.NEGATIVE_INFINITY;
    const look = async function* (this: Overview) {
      if (sent === this.#version) return;
      const tooSoonMs = sentAtMs + CHANGES_MS - performance.now();
      if (tooSoonMs > 0) await delay(signal, tooSoonMs);
      sent = this.#version;
      sentAtMs = performance.now();
      yield this.services();
    }.bind(this);
    return this.#wakeups.follow(SERVICES, signal, look);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/**
 * The services, with so much detail as fits in one message.
 *
 * One caller who registers a lot, or says a lot about itself, must not keep the
 * others from seeing anything. In the end even instances are left out.
 */
function fitting(services: readonly ServiceState[]): readonly ServiceState[] {
  let shown = services;
  if (sizeOf(shown) <= MOST_BYTES) return shown;
  for (const detail of DETAILS) {
    shown = services.map((service) => ({ ...service, instances: service.instances.map((one) => reduced(one, detail)) }));
    if (sizeOf(shown) <= MOST_BYTES) return shown;
  }
  let left = MOST_BYTES - sizeOf(shown.map((service) => ({ ...service, instances: [] })));
  return shown.map((service) => ({
    ...service,
    instances: service.instances.filter((instance) => {
      left -= InstanceState.encode(instance).finish().length + OVERHEAD_BYTES;
      return left >= 0;
    }),
  }));
}

/** The tag and the length of a message within another. */
const OVERHEAD_BYTES = 6;

function sizeOf(services: readonly ServiceState[]): number {
  return services.reduce((sum, service) => sum + ServiceState.encode(service).finish().length + OVERHEAD_BYTES, 0);
}

function reduced(state: InstanceState, { rates, description }: (typeof DETAILS)[number]): InstanceState {
  const { instance, load } = state;
  return {
    ...state,
    load: withRates(load, rates),
    instance: instance && (description ? instance : { ...instance, metadata: new Map(), grpcServices: [] }),
  };
}

/** A load with its busiest rates only. */
function withRates(load: InstanceLoad | undefined, most: number): InstanceLoad | undefined {
  return load === undefined || load.rates.length <= most ? load : { ...load, rates: load.rates.slice(0, most) };
}
