import { Command } from "commander";
import { ceCommand } from "./commands/ce.ts";
import { reportError } from "./report-error.ts";

const program = new Command("causeway")
  .description("Operates Causeway: business events from Dynamics 365 F&O to CE, a CRM and e-mail.")
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 failed, 2 the command was called wrongly.\nWithout --url a command works on the local Azure that `npm start` runs.",
  )
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 2);
  })
  .addCommand(ceCommand());

try {
  await program.parseAsync();
} catch (error) {
  reportError(error);
  process.exitCode = 1;
}
