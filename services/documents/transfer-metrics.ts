import { Counter, Gauge, type Registry } from "prom-client";

/** What the metrics tell of bytes on their way. */
export interface TransferMetrics {
  received(bytes: number): void;
  sent(bytes: number): void;
}

/** @param underWay how many Documents are on their way, asked for when the metrics are read. */
export function transferMetrics(
  metrics: Registry,
  underWay: { uploads: { readonly taken: number }; downloads: { readonly taken: number } },
): TransferMetrics {
  const bytes = new Counter({
    name: "documents_bytes_total",
    help: "Bytes of documents that were received (in) and sent (out).",
    labelNames: ["direction"],
    registers: [metrics],
  });
  new Gauge({
    name: "documents_transfers_under_way",
    help: "Documents on their way in and out.",
    labelNames: ["direction"],
    registers: [metrics],
    collect() {
      this.set({ direction: "in" }, underWay.uploads.taken);
      this.set({ direction: "out" }, underWay.downloads.taken);
    },
  });
  return {
    received: (count) => bytes.inc({ direction: "in" }, count),
    sent: (count) => bytes.inc({ direction: "out" }, count),
  };
}
