const pollMs = 100;

/**
 * What `condition` gives once it no longer throws; after `timeoutMs` the last error is thrown, so that
 * an assertion inside shows its difference.
 */
export async function eventually<T>(condition: () => Promise<T>, timeoutMs: number): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await condition();
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
