/** The upper bounds of the buckets in which latencies are counted, in milliseconds: from a cached read to the longest default deadline. */
export const LATENCY_BUCKETS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** The index of the bucket of a latency. The last one, beyond the bounds, is for what took longer than all of them. */
export function latencyBucket(ms: number): number {
  let bucket = 0;
  while (bucket < LATENCY_BUCKETS_MS.length && ms > (LATENCY_BUCKETS_MS[bucket] as number)) bucket++;
  return bucket;
}
