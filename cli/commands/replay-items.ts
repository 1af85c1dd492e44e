import { Command } from "commander";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { printChanges } from "../operator/print-changes.ts";
import type { EventChange } from "../operator/print-changes.ts";
import { moreNote, readPages, toCount } from "../operator/read-pages.ts";
import type { Pages } from "../operator/read-pages.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable } from "../print.ts";

interface ItemsFlags extends StackFlags {
  readonly limit?: number;
  readonly json?: boolean;
}

/** One delivery of a replay. */
interface Item {
  readonly target: string;
  readonly failureId: string;
  readonly businessKey: string;
  readonly state: string;
  readonly outcome: string;
  readonly changes: readonly EventChange[];
}

/** `causeway replay items`: what became of each delivery, and how it differs from what was accepted. */
export function itemsCommand(): Command {
  const command = new Command("items")
    .description("Every delivery of a replay: how it ended, and what F&O says otherwise now.")
    .argument("<id>", "as the list shows it", toId)
    .option("--limit <count>", "only so many, in the order of sending", toCount);
  return withStackOptions(command).action(async (id: string, _flags: ItemsFlags, self: Command) => {
    const flags = self.optsWithGlobals<ItemsFlags>();
    await withOperator(flags, async (client) => {
      const pages = await readItems(client, id, flags.limit ?? Infinity);
      if (flags.json === true) printJson({ items: pages.items, isMore: pages.isMore });
      else print(pages);
    });
  });
}

export function readItems(
  client: Pick<OperatorClient, "get">,
  id: string,
  wanted: number,
): Promise<Pages<Item>> {
  return readPages<Item>(client, pathOf("replays", id, "items"), "items", wanted);
}

export function printChanged(items: readonly Item[]): void {
  for (const { target, businessKey, changes } of items) {
    printLine(`${target} ${businessKey}: F&O says otherwise now`);
    printChanges(changes, "  ");
  }
}

function print({ items, isMore }: Pages<Item>): void {
  if (items.length === 0) {
    printLine("It has no deliveries, or they are being looked for.");
    return;
  }
  printTable(
    ["state", "target", "document", "failure", "outcome"],
    items.map(({ state, target, businessKey, failureId, outcome }) => [
      state,
      target,
      businessKey,
      failureId,
      outcome,
    ]),
  );
  printChanged(items.filter(({ changes }) => changes.length > 0));
  if (isMore) printLine(moreNote);
}
