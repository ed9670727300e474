/**
 * grpc-js-xds starts timers of up to a quarter of an hour that nothing stops.
 * Imported by tests that use it in their own process, so that they end.
 */
const { setTimeout } = globalThis;
globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
  const timer = setTimeout(...args);
  return Number(args[1]) >= LONG_MS ? timer.unref() : timer;
}) as typeof setTimeout;

const LONG_MS = 500;
