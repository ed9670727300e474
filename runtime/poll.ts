/**
 * Looks again and again, with a pause after each look: one look never overtakes another.
 *
 * @param look may reject; `onError` is told, and the next look comes all the same.
 * @returns stops it, and resolves when the look in hand is over. It is not for the look itself to wait for.
 */
export function pollEvery(pauseMs: number, look: () => Promise<void>, onError: (error: unknown) => void): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  const lookOnce = async () => {
    await look().catch(onError);
    if (timer !== undefined) again();
  };
  const again = () => {
    timer = setTimeout(() => {
      looking = lookOnce();
    }, pauseMs);
  };
  again();
  return () => {
    clearTimeout(timer);
    timer = undefined;
    return looking;
  };
}
