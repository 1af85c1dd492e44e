import { createAccessControl } from "../../local/access-control.ts";
import { systemClock } from "../../local/clock.ts";
import { createMonitorApp } from "../../local/monitor/monitor-app.ts";
import type { MonitorService } from "../../local/monitor/monitor-app.ts";

/** Of the one component that a collector of `createMonitor` knows. */
export const instrumentationKey = "11111111-35a5-4a8f-8f6b-0f5a2c1f7d11";

/** A collector that nobody may ask, by itself: `startFrontDoor` lets telemetry come to it. */
export function createMonitor(): MonitorService {
  const monitor = createMonitorApp({
    clock: systemClock,
    access: createAccessControl(),
    tokens: { verify: () => Promise.reject(new Error("no tokens here")) },
    log: () => undefined,
  });
  monitor.createComponent({ id: "/components/c", instrumentationKey });
  return monitor;
}
