import { Command, InvalidArgumentError } from "commander";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { printChanges } from "../operator/print-changes.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine } from "../print.ts";
import type { Edit } from "./edits.ts";

interface Change {
  readonly path: string;
  readonly value: string | null;
}

interface EditFlags extends StackFlags {
  readonly set: readonly Change[];
  readonly reason: string;
  readonly json?: boolean;
}

/** `causeway failures edit`: proposes another text or address for one delivery; a second person approves. */
export function editCommand(): Command {
  const command = new Command("edit")
    .description("Proposes an edit of what one failed delivery sends; somebody else approves it.")
    .argument("<target>", "ce, crm, email", toId)
    .argument("<failureId>", "as the list shows it", toId)
    .requiredOption(
      "--set <path=value>",
      "what is to stand where, e.g. customer.email=ap@contoso.example; repeatable; nothing after = empties it",
      addChange,
    )
    .requiredOption("--reason <text>", "why; it stays with the edit and in the audit");
  return withStackOptions(command).action(
    async (target: string, failureId: string, flags: EditFlags) => {
      await withOperator(flags, async (client) => {
        const { set: changes, reason } = flags;
        const path = pathOf("failures", target, failureId, "edits");
        const edit = await client.post<Edit>(path, { changes, reason });
        if (flags.json === true) {
          printJson(edit);
          return;
        }
        printChanges(edit.changes);
        printLine(`Proposed as ${edit.id}. Somebody else: causeway edits approve ${edit.id}`);
      });
    },
  );
}

function addChange(text: string, before: readonly Change[] | undefined): readonly Change[] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("use <path>=<value>");
  const value = text.slice(at + 1);
  return [...(before ?? []), { path: text.slice(0, at), value: value === "" ? null : value }];
}
