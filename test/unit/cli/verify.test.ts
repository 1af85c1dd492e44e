import { describe, expect, it } from "@jest/globals";
import { verifyCommand } from "../../../cli/commands/verify.ts";

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
