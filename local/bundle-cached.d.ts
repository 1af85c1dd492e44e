export interface Program {
  /** Sources, relative to the project. */
  readonly entries: readonly string[];
  /** Absolute; holds a file for each entry, of its name with `.js`. */
  readonly outDir: string;
  readonly sourceMaps?: boolean;
}

export const localProgram: Program;

export const storageProgram: Program;

export function bundleCached(program: Program): Promise<void>;
