import { type ChannelOptions, connectivityState, experimental } from "@grpc/grpc-js";

/** The name of the policy in a service config (gRFC A48). */
export const LEAST_REQUEST = "least_request_experimental";

/** How many endpoints are drawn for each call: the default of gRFC A48. */
const CHOICES = 2;

type LoadBalancer = experimental.LoadBalancer;
type Leaf = experimental.LeafLoadBalancer;

/**
 * Adds least request to the policies of grpc-js, which has round robin, pick first and ring hash only.
 *
 * Two endpoints are drawn for each call, and the one with fewer calls in flight
 * gets it ("the power of two choices"): near to the best choice, without looking at all.
 */
export function registerLeastRequest(): void {
  experimental.registerLoadBalancerType(LEAST_REQUEST, LeastRequestBalancer, LeastRequestConfig);
}

class LeastRequestConfig implements experimental.TypedLoadBalancingConfig {
  static createFromJson(): LeastRequestConfig {
    return new LeastRequestConfig();
  }
  getLoadBalancerName(): string {
    return LEAST_REQUEST;
  }
  toJsonObject(): object {
    return { [LEAST_REQUEST]: {} };
  }
}

class LeastRequestBalancer implements LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #leafHelper: experimental.ChannelControlHelper;
  /** By endpoint, so that the counts outlive a change of the endpoints. */
  #inFlight = new Map<string, InFlight>();
  #leaves: readonly Leaf[] = [];
  #updating = false;
  #lastError = "";

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
    this.#leafHelper = experimental.createChildChannelControlHelper(helper, {
      updateState: (_state, _picker, error) => {
        if (error !== null) this.#lastError = error;
        this.#report();
      },
    });
  }

  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof LeastRequestConfig)) return false;
    if (!endpoints.ok) {
      if (this.#leaves.length === 0) this.#fail(endpoints.error.details);
      return true;
    }
    const before = this.#leaves;
    const counts = new Map<string, InFlight>();
    this.#updating = true;
    this.#leaves = endpoints.value.map((endpoint) => {
      const name = experimental.endpointToString(endpoint);
      counts.set(name, this.#inFlight.get(name) ?? { calls: 0 });
      const leaf = new experimental.LeafLoadBalancer(endpoint, this.#leafHelper, options, note);
      leaf.startConnecting();
      return leaf;
    });
    this.#inFlight = counts;
    // After the new ones, so that a connection that both have is never without an owner.
    for (const leaf of before) leaf.destroy();
    this.#updating = false;
    if (this.#leaves.length === 0) this.#fail(`no addresses resolved: ${note}`);
    else this.#report();
    return true;
  }

  exitIdle(): void {
    for (const leaf of this.#leaves) leaf.exitIdle();
  }
  resetBackoff(): void {}
  getTypeName(): string {
    return LEAST_REQUEST;
  }
  destroy(): void {
    this.#updating = true;
    for (const leaf of this.#leaves) leaf.destroy();
    this.#leaves = [];
  }

  /** Tells the channel what state the endpoints are in together, as round robin does. */
  #report(): void {
    if (this.#updating) return;
    const { READY, CONNECTING, TRANSIENT_FAILURE, IDLE } = connectivityState;
    const inState = (state: connectivityState) => this.#leaves.filter((leaf) => leaf.getConnectivityState() === state);
    const ready = inState(READY);
    if (ready.length > 0) {
      const candidates = ready.map((leaf) => {
        const name = experimental.endpointToString(leaf.getEndpoint());
        return { picker: leaf.getPicker(), inFlight: this.#inFlight.get(name) ?? { calls: 0 } };
      });
      this.#helper.updateState(READY, new LeastRequestPicker(candidates), null);
    } else if (inState(CONNECTING).length > 0) {
      this.#helper.updateState(CONNECTING, new experimental.QueuePicker(this), null);
    } else if (inState(TRANSIENT_FAILURE).length > 0) {
      this.#fail(`least_request: no connection established, last error: ${this.#lastError}`);
    } else {
      this.#helper.updateState(IDLE, new experimental.QueuePicker(this), null);
    }
    // Endpoints are kept connected, so that the first call to each does not have to wait.
    for (const leaf of inState(IDLE)) leaf.exitIdle();
  }

  #fail(details: string): void {
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, new experimental.UnavailablePicker({ details }), details);
  }
}

/** How many calls an endpoint is working on for this channel. */
interface InFlight {
  calls: number;
}

interface Candidate {
  readonly picker: experimental.Picker;
  readonly inFlight: InFlight;
}

class LeastRequestPicker implements experimental.Picker {
  readonly #candidates: readonly Candidate[];

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
  }

  pick(args: experimental.PickArgs): experimental.PickResult {
    let chosen = this.#draw();
    for (let i = 1; i < CHOICES; i++) {
      const other = this.#draw();
      if (other.inFlight.calls < chosen.inFlight.calls) chosen = other;
    }
    const { picker, inFlight } = chosen;
    const result = picker.pick(args);
    return {
      ...result,
      onCallStarted: () => {
        inFlight.calls++;
        result.onCallStarted?.();
      },
      onCallEnded: (...status) => {
        inFlight.calls--;
        result.onCallEnded?.(...status);
      },
    } as experimental.PickResult;
  }

  #draw(): Candidate {
    return this.#candidates[Math.floor(Math.random() * this.#candidates.length)] as Candidate;
  }
}
