import { describe, expect, it } from "@jest/globals";
import { verifyCommand } from "../../../cli/commands/verify.ts";
import { countMoreFindings } from "../../../cli/operator/count-more-findings.ts";
import type { VerificationView } from "../../../functions/src/operator/reads/answers.ts";

/** What it complains of before it asks anybody. */
function verify(...args: readonly string[]): Promise<unknown> {
  const command = verifyCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parseAsync(args, { from: "user" });
}

describe("causeway verify", () => {
  it.each([
    [[], "error: say since when (--since 2d), or ask for --list"],
    [
      ["--since", "2d", "--include", "email"],
      "error: --include says what --repair sends too; add --repair",
    ],
  ])("is called wrongly with %j", async (args, message) => {
    await expect(verify(...args)).rejects.toMatchObject({ message, exitCode: 2 });
  });
});

describe("the findings that a report does not show", () => {
  it("are those that its counts have more", () => {
    const finding = {} as VerificationView["findings"][number];
    const counts = { missing: 60, doubled: 2, differing: 1 } as VerificationView["counts"][number];

    expect(countMoreFindings({ counts: [counts], findings: [finding, finding, finding] })).toBe(60);
    expect(countMoreFindings({ counts: [], findings: [] })).toBe(0);
  });
});
