import type { Endpoint, RoutedService } from "../../routing.ts";

/** A service for tests: one that needs nothing in particular, but for what is said. */
export function routed(name: string, change: Partial<RoutedService> = {}): RoutedService {
  const balancing = { policy: "round-robin" } as const;
  return { name, grpcServices: [], endpoints: [endpoint(1)], split: [], fault: undefined, balancing, ...change };
}

/** An endpoint for tests, at 10.0.0.<number>:5000. */
export function endpoint(number: number, change: Partial<Endpoint> = {}): Endpoint {
  return { address: `10.0.${number >> 8}.${number & 255}`, port: 5_000, version: "", zone: "", weight: 1, ...change };
}
