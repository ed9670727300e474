/** What clients of one service are told: where its instances are, and how to call them. */
export interface RoutedService {
  readonly name: string;
  /** The gRPC services ("package.Service") that its instances serve; their contracts make the routes. */
  readonly grpcServices: readonly string[];
  /** Where calls may go. */
  readonly endpoints: readonly Endpoint[];
  /** How calls are divided between versions, in percent. Empty if they are not. */
  readonly split: readonly VersionShare[];
  readonly fault: Fault | undefined;
  readonly balancing: Balancing;
}

/** Where one instance listens. */
export interface Endpoint {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly version: string;
  readonly zone: string;
  /** 1 to 1,000 */
  readonly weight: number;
}

export interface VersionShare {
  readonly version: string;
  /** 0 to 100 */
  readonly percent: number;
}

/** Calls that are made slow, or fail. */
export interface Fault {
  /** The share of the calls, 1 to 100. */
  readonly percent: number;
  /** 0: no delay. */
  readonly delayMs: number;
  /** The gRPC status with which they fail. 0: they do not. */
  readonly abortCode: number;
}

/** How clients pick among endpoints. */
export type Balancing =
  | { readonly policy: "round-robin" | "weighted-round-robin" | "pick-first" | "random" | "least-request" }
  | { readonly policy: "ring-hash"; readonly hashHeader: string };
