const PATIENCE_MS = 15_000;

/** Looks again and again, until what is found is what is expected; then, or after some time, expects it. */
export async function until(look: () => unknown, expected: unknown): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (true) {
    const found = await look();
    try {
      expect(found).toEqual(expected);
      return;
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
