/**
 * Looks again and again, with a pause after each look: one look never overtakes another.
 *
 * @param look may reject; `onError` is told, and the next look comes all the same.
 * @returns stops it. A look that is under way is not waited for.
 */
export function pollEvery(pauseMs: number, look: () => Promise<void>, onError: (error: unknown) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const again = () => {
    timer = setTimeout(async () => {
      await look().catch(onError);
      if (timer !== undefined) again();
    }, pauseMs);
  };
  again();
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
}
