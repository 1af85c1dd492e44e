const pollMs = 100;
/** What takes seconds on two idle cores takes a minute on a busy machine; a wait that succeeds costs nothing of this. */
const limitMs = 90_000;

/**
 * What `condition` gives once it no longer throws; after the limit the last error is thrown, so that
 * an assertion inside shows its difference.
 */
export async function eventually<T>(condition: () => T | Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    try {
      return await condition();
    } catch (error) {
      if (performance.now() >= giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
