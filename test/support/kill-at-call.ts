import { Killed } from "./faulty-ports.ts";
import type { Sender } from "../../functions/src/platform/messages.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";

/**
 * Counts every call that leaves the process and kills it at the chosen one, before or after its effect.
 * Once dead, every further call fails until `revive`.
 */
export class KillAtCall {
  readonly calls: string[] = [];
  #left = Infinity;
  #when: "before" | "after" = "before";
  #isDead = false;

  killAt(call: number, when: "before" | "after"): void {
    this.#left = call;
    this.#when = when;
  }

  revive(): void {
    this.#isDead = false;
    this.#left = Infinity;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  async through<T>(name: string, effect: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Killed();
    this.calls.push(name);
    this.#left -= 1;
    const isLast = this.#left === 0;
    if (isLast) this.#isDead = true;
    if (isLast && this.#when === "before") throw new Killed();
    const result = await effect();
    // Others may have been killed while this one was on its way: its effect stands, its answer does not.
    if (this.isDead) throw new Killed();
    return result;
  }

  store(inner: TableStore): TableStore {
    return {
      get: (table, keys) => this.through(`get ${table}`, () => inner.get(table, keys)),
      write: (table, write) =>
        this.through(`${write.kind} ${table}`, () => inner.write(table, write)),
      transaction: (table, writes) =>
        this.through(`transaction ${table}`, () => inner.transaction(table, writes)),
      query: (table, query) => this.through(`query ${table}`, () => inner.query(table, query)),
    };
  }

  sender(inner: Sender): Sender {
    return {
      send: (entity, messages) =>
        this.through(`send ${entity}`, () => inner.send(entity, messages)),
    };
  }
}
