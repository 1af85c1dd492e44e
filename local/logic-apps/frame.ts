import type { LiveRecord } from "./run-record.ts";
import type { WdlValue } from "./wdl/values.ts";

/**
 * What the actions of one loop iteration (or of the whole run) have done. An action sees its own frame and the
 * frames around it; an iteration's actions are not seen from outside, except the last iteration of an Until.
 */
export class Frame {
  readonly parent: Frame | undefined;
  readonly loop:
    { readonly name: string; readonly index: number; readonly item?: WdlValue } | undefined;
  readonly records = new Map<string, LiveRecord>();
  /** Iterations of the loops that ran in this frame. */
  readonly iterations = new Map<string, Frame[]>();
  readonly #carried = new Map<string, LiveRecord>();

  constructor(parent?: Frame, loop?: Frame["loop"]) {
    this.parent = parent;
    this.loop = loop;
  }

  visibleRecords(): ReadonlyMap<string, LiveRecord> {
    return new Map([...(this.parent?.visibleRecords() ?? []), ...this.#carried, ...this.records]);
  }

  /** As in `visibleRecords`. */
  find(name: string): LiveRecord | undefined {
    return this.records.get(name) ?? this.#carried.get(name) ?? this.parent?.find(name);
  }

  /** Makes an iteration's actions seen in this frame. */
  carry(iteration: Frame): void {
    for (const [name, record] of [...iteration.#carried, ...iteration.records]) {
      this.#carried.set(name, record);
    }
  }

  iterationsOf(loop: string): readonly Frame[] | undefined {
    return this.iterations.get(loop) ?? this.parent?.iterationsOf(loop);
  }
}
