import { ROOT_CONTEXT } from "@opentelemetry/api";
import type { Context, ContextManager } from "@opentelemetry/api";

/**
 * OpenTelemetry's context for the length of a call, and not beyond it. Our telemetry names its parents
 * itself and nothing is instrumented, so nobody asks for a context after an `await`. The SDK's own manager
 * keeps one for each promise: from its first use on, Node 20 and 22 call a hook for every promise of the
 * process.
 */
export function createCallContext(): ContextManager {
  let current: Context = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => current,
    with: (context, work, self, ...args) => {
      const before = current;
      current = context;
      try {
        return work.call(self, ...args);
      } finally {
        current = before;
      }
    },
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
