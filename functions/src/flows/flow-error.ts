import { CausewayError } from "../platform/causeway-error.ts";
import type { FlowProblem } from "./validate-mapping.ts";

export type FlowErrorCode = "FLOW_INVALID";

/** Every problem of all flow files at once: file, field, what is wrong and the nearest right name. */
export class FlowError extends CausewayError<FlowErrorCode> {
  readonly problems: readonly FlowProblem[];

  constructor(problems: readonly FlowProblem[]) {
    const lines = problems.map(({ file, field, message }) =>
      field === "" ? `- ${file}: ${message}` : `- ${file}: ${field}: ${message}`,
    );
    super("FLOW_INVALID", `The flows are wrong; nothing was started.\n${lines.join("\n")}`, {
      fate: "permanent",
    });
    this.name = "FlowError";
    this.problems = problems;
  }
}
