import { collectDefaultMetrics, Registry } from "prom-client";

/**
 * The Prometheus registry of one process, with the metrics of Node itself:
 * memory, garbage collection, and the lag of the event loop.
 */
export function createMetrics(service: string): Registry {
  const metrics = new Registry();
  metrics.setDefaultLabels({ service });
  collectDefaultMetrics({ register: metrics });
  return metrics;
}
