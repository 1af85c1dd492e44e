import { readFile } from "node:fs/promises";

/** What processes have used since they began; null where the system does not tell (only Linux has /proc). */
export interface ProcessUse {
  readonly cpuSeconds: number | null;
  readonly peakMb: number | null;
  readonly residentMb: number | null;
}

/** Clock ticks a second: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

export async function measureProcess(id: number): Promise<ProcessUse> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${id}/stat`, "utf8"),
      readFile(`/proc/${id}/status`, "utf8"),
    ]);
    // The name in brackets may hold spaces; after it come the fields from the third on.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const kb = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return {
      cpuSeconds: ticks / ticksPerSecond,
      peakMb: Math.round(kb("VmHWM") / 1024),
      residentMb: Math.round(kb("VmRSS") / 1024),
    };
  } catch {
    return { cpuSeconds: null, peakMb: null, residentMb: null };
  }
}
