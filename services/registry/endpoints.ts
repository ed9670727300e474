/** How an instance answered when it was last asked; "unknown" if it never was. */
export type Health = "unknown" | "healthy" | "unhealthy" | "unavailable";

/** What decides whether calls may go to an instance. */
export interface Candidate {
  readonly health: Health;
  /** Whether it has answered well at any time since it registered. */
  readonly everHealthy: boolean;
  /** Whether it has been asked at all. */
  readonly asked: boolean;
}

/**
 * Those of the instances of a service to which calls go.
 *
 * The healthy ones, as long as there are any. If everything looks dead, it may
 * well be the registry that cannot see: then calls go to all that were ever well,
 * or else to all that were asked. To try is better than to fail.
 *
 * @param candidates without those that somebody has taken out.
 */
export function chooseEndpoints<T extends Candidate>(candidates: readonly T[]): { chosen: readonly T[]; panic: boolean } {
  const healthy = candidates.filter(({ health }) => health === "healthy");
  if (healthy.length > 0) return { chosen: healthy, panic: false };
  const onceHealthy = candidates.filter(({ everHealthy }) => everHealthy);
  const chosen = onceHealthy.length > 0 ? onceHealthy : candidates.filter(({ asked }) => asked);
  return { chosen, panic: chosen.length > 0 };
}
