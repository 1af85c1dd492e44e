/** One wrong setting: its key without the namespace, what is wrong, and what to do. */
export interface Mistake {
  readonly key: string;
  readonly reason: string;
  /** An instruction that a person can follow without reading code. */
  readonly fix: string;
}
