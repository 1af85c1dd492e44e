import { readFile } from "node:fs/promises";

/**
 * Processor time that processes have used, and whether one is waiting for the processor right now: on a
 * busy machine a process that works says nothing to anybody for a while. Only Linux tells; elsewhere
 * what goes over the wire has to do.
 */
export async function readProcessorUse(
  ids: readonly number[],
): Promise<{ readonly ticks: number; readonly isWaiting: boolean }> {
  const all = await Promise.all(ids.map(readOne));
  return {
    ticks: all.reduce((sum, { ticks }) => sum + ticks, 0),
    isWaiting: all.some(({ state }) => state === "R"),
  };
}

async function readOne(id: number): Promise<{ readonly ticks: number; readonly state: string }> {
  try {
    const text = await readFile(`/proc/${id}/stat`, "utf8");
    // The second field is the program's name in brackets, which may hold spaces.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", ticks: Number(fields[11] ?? 0) + Number(fields[12] ?? 0) };
  } catch {
    // It ended, or this system has no such files.
    return { ticks: 0, state: "" };
  }
}
