import { Command } from "commander";
import { ceCommand } from "./commands/ce.ts";
import { reportError } from "./report-error.ts";

const program = new Command("causeway")
  .description("Operates Causeway: business events from Dynamics 365 F&O to CE, a CRM and e-mail.")
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 failed, 2 the command was called wrongly.\nWithout --url a command works on the local Azure that `npm start` runs.",
  )
  .addCommand(ceCommand());

exitWithTwo(program);

try {
  await program.parseAsync();
} catch (error) {
  reportError(error);
  process.exitCode = 1;
}

/** A wrong call exits with 2 at every level: commander does not hand its override down to added commands. */
function exitWithTwo(command: Command): void {
  command.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
  for (const each of command.commands) exitWithTwo(each);
}
