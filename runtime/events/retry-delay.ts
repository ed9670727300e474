const FIRST_MS = 100;
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try: anything up to twice as long as before,
 * capped ("full jitter"), so that those who failed together do not all come back together.
 *
 * @param failures how often it has failed in a row: 1 for the first time.
 * @param random from 0 to 1.
 */
export function retryDelayMs(failures: number, random: () => number): number {
  return Math.round(random() * longestDelayMs(failures));
}

/** The longest that it may be. */
export function longestDelayMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 20));
}
