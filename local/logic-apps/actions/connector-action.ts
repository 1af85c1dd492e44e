import { ActionFailure, type ActionHandler } from "../action-call.ts";
import { toText } from "../wdl/content.ts";
import { type WdlValue, getMember, isObject, memberOf, toPlain } from "../wdl/values.ts";
import { evaluateInputs } from "./data-actions.ts";
import { answerResult } from "./http-action.ts";

/** A managed connector, answered by the port of the same name (`servicebus`, `office365`, …). */
export const runConnector: ActionHandler = async (call) => {
  const inputs = evaluateInputs(call);
  const connection = memberOf(memberOf(inputs, "host"), "connection");
  const api =
    (toText(memberOf(connection, "name")) || toText(memberOf(connection, "referenceName")))
      .split("/")
      .at(-1) ?? "";
  const connector = call.run.ports.connectors?.[api];
  if (connector === undefined) {
    throw new ActionFailure(
      "ConnectorNotFound",
      `The action '${call.name}' needs the connector '${api}', which was not given.`,
    );
  }
  try {
    const response = await connector({
      method: (toText(memberOf(inputs, "method")) || "get").toUpperCase(),
      path: decodeUntilStable(toText(memberOf(inputs, "path"))),
      queries: toTexts(memberOf(inputs, "queries")),
      headers: toTexts(memberOf(inputs, "headers")),
      body: toPlain(getMember(inputs, "body") ?? null),
    });
    return answerResult(response);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ActionFailure("BadGateway", `The connector '${api}' failed: ${message}`, {
      cause: error,
    });
  }
};

/** The designer encodes path segments twice. */
function decodeUntilStable(path: string): string {
  let decoded = path;
  for (let round = 0; round < 3 && /%[0-9a-f]{2}/i.test(decoded); round += 1) {
    try {
      decoded = decodeURIComponent(decoded);
    } catch {
      return decoded;
    }
  }
  return decoded;
}

function toTexts(value: WdlValue): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, toText(member)]),
  );
}
