import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { SampleAnswer } from "../../functions/src/operator/reads/answers.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine } from "../print.ts";

interface Flags extends StackFlags {
  readonly sample: string;
  readonly company?: string;
  readonly number?: string;
  readonly json?: boolean;
}

/** `causeway send`: a business event as F&O would send it, about a document that F&O has. */
export function sendCommand(): Command {
  const command = new Command("send")
    .description("Sends a sample business event through the queue, under a new event id.")
    .requiredOption(
      "--sample <event>",
      "sales-invoice, free-text-invoice, or a .json file with a business event",
    )
    .option("--company <id>", "the document's legal entity")
    .option("--number <invoice>", "the document's number: one that F&O has, or it fails there");
  return withStackOptions(command).action(async (flags: Flags) => {
    const { sample, company, number } = flags;
    const event: unknown = sample.endsWith(".json")
      ? JSON.parse(await readFile(sample, "utf8"))
      : sample;
    await withOperator(flags, async (client) => {
      const answer = await client.post<SampleAnswer>("samples", {
        event,
        ...(company === undefined ? {} : { legalEntity: company }),
        ...(number === undefined ? {} : { number }),
      });
      if (flags.json === true) printJson(answer);
      else printLine(`Sent as event ${answer.eventId}. Follow it: causeway find ${answer.eventId}`);
    });
  });
}
