/** `entry`: a source, relative to the project. `outDir`: absolute; the bundle is the entry's name with `.js` in it. */
export function bundleCached(options: {
  readonly entry: string;
  readonly outDir: string;
}): Promise<void>;
