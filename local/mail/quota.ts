import type { LocalClock } from "../clock.ts";

/** Limits of a sender domain: https://learn.microsoft.com/azure/communication-services/concepts/service-limits */
export interface QuotaLimits {
  readonly sendPerMinute: number;
  readonly sendPerHour: number;
  readonly statusPerMinute: number;
  readonly statusPerHour: number;
}

export const customDomainQuota: QuotaLimits = {
  sendPerMinute: 30,
  sendPerHour: 100,
  statusPerMinute: 60,
  statusPerHour: 200,
};

export const managedDomainQuota: QuotaLimits = {
  sendPerMinute: 5,
  sendPerHour: 10,
  statusPerMinute: 10,
  statusPerHour: 20,
};

export interface Quota {
  /** 0 when the call may go; otherwise the seconds to wait (Retry-After). */
  takeSend(): number;
  takeStatus(): number;
}

export function createQuota(clock: LocalClock, limits: QuotaLimits): Quota {
  const send = [
    window(clock, 60_000, limits.sendPerMinute),
    window(clock, 3_600_000, limits.sendPerHour),
  ];
  const status = [
    window(clock, 60_000, limits.statusPerMinute),
    window(clock, 3_600_000, limits.statusPerHour),
  ];
  return { takeSend: () => take(send), takeStatus: () => take(status) };
}

interface Window {
  waitMs(): number;
  count(): void;
}

/** Sliding window over the times of the last calls. */
function window(clock: LocalClock, lengthMs: number, limit: number): Window {
  let times: number[] = [];
  return {
    waitMs: () => {
      times = times.filter((time) => time > clock.now() - lengthMs);
      const oldest = times[0];
      return times.length < limit || oldest === undefined ? 0 : oldest + lengthMs - clock.now();
    },
    count: () => void times.push(clock.now()),
  };
}

function take(windows: readonly Window[]): number {
  const waitMs = Math.max(...windows.map((each) => each.waitMs()));
  if (waitMs > 0) return Math.ceil(waitMs / 1000);
  for (const each of windows) each.count();
  return 0;
}
