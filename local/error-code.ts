/**
 * True when something thrown carries this code (`ENOENT`, …). Asks no `instanceof Error`: errors of Node's own
 * modules belong to another realm than the code under jest.
 */
export function hasErrorCode(thrown: unknown, code: string): boolean {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && thrown.code === code;
}
