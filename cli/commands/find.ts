import { Command } from "commander";
import type {
  DeliveryView,
  JourneyAnswer,
  JourneysAnswer,
  JourneySummary,
} from "../../functions/src/operator/reads/answers.ts";
import { exitCodes } from "../exit-codes.ts";
import { toInstant } from "../operator/filter-options.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { pathOf } from "../operator/path-of.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface Flags extends StackFlags {
  readonly company?: string;
  readonly since?: string;
  readonly json?: boolean;
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const cutNote =
  "More documents begin like this than were looked at: newer ones may be among the rest. Type more of the number.";

/** `causeway find`: where is this invoice? One hit is told whole, several are listed. */
export function findCommand(): Command {
  const command = new Command("find")
    .description("Where an invoice is: every target, hop, attempt and answer.")
    .argument("<key>", "invoice number (its beginning is enough), customer account or event id")
    .option("--company <id>", "only of this legal entity")
    .option("--since <age>", "nothing older: an age such as 2h, 3d, or an instant", toInstant);
  return withStackOptions(command).action(async (key: string, flags: Flags) => {
    await withOperator(flags, async (client) => {
      const { isCut = false, journeys } = await search(client, key, flags);
      const [only, ...others] = journeys;
      if (only === undefined) process.exitCode = exitCodes.nothingFound;
      const isOne = only !== undefined && others.length === 0;
      const journey = isOne ? await read(client, only) : undefined;
      if (flags.json === true) printJson(journey ?? { journeys });
      else if (journey !== undefined) printJourney(journey);
      else printList(journeys);
      if (isCut) process.stderr.write(`${cutNote}\n`);
    });
  });
}

async function search(
  client: OperatorClient,
  key: string,
  { company, since }: Flags,
): Promise<JourneysAnswer> {
  const common = { legalEntity: company, since };
  const kinds = guid.test(key) ? ["eventId"] : ["key", "customer"];
  for (const kind of kinds) {
    let continuation: string | undefined;
    do {
      const query = { ...common, [kind]: key, continuation };
      const answer = await client.get<JourneysAnswer>("journeys", query);
      if (answer.journeys.length > 0) return answer;
      continuation = answer.continuation;
    } while (continuation !== undefined);
  }
  return { journeys: [] };
}

function read(client: OperatorClient, found: JourneySummary): Promise<JourneyAnswer> {
  const path = pathOf("journeys", found.eventId);
  return client.get<JourneyAnswer>(path, { time: found.time });
}

function printList(journeys: readonly JourneySummary[]): void {
  if (journeys.length === 0) {
    printLine(
      "Nothing was found. An event that failed at intake is under `causeway failures list`.",
    );
    return;
  }
  printTable(
    ["posted", "document", "company", "customer", "event", "states"],
    journeys.map(({ time, number, legalEntity, customerAccount, eventId, states }) => [
      shortInstant(time),
      number,
      legalEntity,
      customerAccount,
      eventId,
      Object.entries(states)
        .map(([step, state]) => `${step}: ${state}`)
        .join(", "),
    ]),
  );
}

function printJourney(journey: JourneyAnswer): void {
  const { number, legalEntity, customerAccount, time, eventId, traceId, deliveries } = journey;
  printLine(
    `${number} of ${legalEntity}, customer ${customerAccount}, posted ${shortInstant(time)}`,
  );
  printLine(`event ${eventId}, trace ${traceId}`);
  for (const delivery of deliveries) printDelivery(delivery);
}

function printDelivery(delivery: DeliveryView): void {
  const { target, state, reference, url, rule, failureId, dueAt, trail } = delivery;
  const facts = [
    url ?? reference ?? "",
    rule === null ? "" : `rule ${rule}`,
    failureId === null ? "" : `failure ${failureId}`,
    dueAt === null ? "" : `next try ${shortInstant(dueAt)}`,
  ].filter((fact) => fact !== "");
  printLine();
  printLine(`${target}: ${state}${facts.length === 0 ? "" : `  ${facts.join("  ")}`}`);
  for (const step of trail) {
    const why = [step.code, step.reason].filter((part) => part !== null).join(" ");
    printLine(
      `  ${shortInstant(step.at)}  hop ${step.hop}  tries ${step.attempts}  ${step.state}  ${why}`.trimEnd(),
    );
  }
}
