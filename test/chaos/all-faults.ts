import type { ChaosFault } from "./chaos-fault.ts";
import { longFaults } from "./long-faults.ts";
import { platformFaults } from "./platform-faults.ts";
import { recoveryFaults } from "./recovery-faults.ts";
import { eventFaults, systemFaults } from "./system-faults.ts";

export const allFaults: readonly ChaosFault[] = [
  ...platformFaults,
  ...systemFaults,
  ...eventFaults,
  ...recoveryFaults,
  ...longFaults,
];
