import { Status } from "nice-grpc-common";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ServerInterceptor } from "./interceptor.ts";

/** Seconds. From a cached read to the longest default deadline of a unary call. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts calls, their statuses and latencies, under the names that grpc-ecosystem/go-grpc-prometheus made common. */
export function metrics(options: { metrics: Registry }): ServerInterceptor {
  const registers = [options.metrics];
  const labelNames = ["grpc_type", "grpc_service", "grpc_method"] as const;
  const inFlight = new Gauge({ name: "grpc_server_in_flight", help: "Calls that run now", labelNames, registers });
  const handled = new Counter({
    name: "grpc_server_handled_total",
    help: "Calls that ended, by status code",
    labelNames: [...labelNames, "grpc_code"],
    registers,
  });
  const seconds = new Histogram({
    name: "grpc_server_handling_seconds",
    help: "How long calls took, in seconds",
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  return {
    start({ contract }) {
      inFlight.inc({ grpc_type: contract.kind, grpc_service: contract.service, grpc_method: contract.method });
    },
    finish({ contract, startedAt }, { code }) {
      const labels = { grpc_type: contract.kind, grpc_service: contract.service, grpc_method: contract.method };
      inFlight.dec(labels);
      handled.inc({ ...labels, grpc_code: Status[code] });
      seconds.observe(labels, (performance.now() - startedAt) / 1_000);
    },
  };
}
