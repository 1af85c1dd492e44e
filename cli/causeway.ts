import { Command } from "commander";
import { auditCommand } from "./commands/audit.ts";
import { ceCommand } from "./commands/ce.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { editsCommand } from "./commands/edits.ts";
import { failuresCommand } from "./commands/failures.ts";
import { findCommand } from "./commands/find.ts";
import { sendCommand } from "./commands/send.ts";
import { statusCommand } from "./commands/status.ts";
import { tailCommand } from "./commands/tail.ts";
import { targetsCommand } from "./commands/targets.ts";
import { replayCommand } from "./commands/replay.ts";
import { verifyCommand } from "./commands/verify.ts";
import { exitCodes, exitCodesHelp } from "./exit-codes.ts";
import { reportError, toExitCode } from "./report-error.ts";

const program = new Command("causeway")
  .description("Operates Causeway: business events from Dynamics 365 F&O to CE, a CRM and e-mail.")
  .addHelpText("after", exitCodesHelp)
  .addCommand(statusCommand())
  .addCommand(findCommand())
  .addCommand(tailCommand())
  .addCommand(targetsCommand())
  .addCommand(sendCommand())
  .addCommand(failuresCommand())
  .addCommand(editsCommand())
  .addCommand(replayCommand())
  .addCommand(verifyCommand())
  .addCommand(auditCommand())
  .addCommand(ceCommand())
  .addCommand(doctorCommand());

exitWithTwo(program);
process.stdout.on("error", leaveQuietly);

try {
  await program.parseAsync();
} catch (error) {
  reportError(error);
  process.exitCode = toExitCode(error);
}

/** Whoever read has seen enough (`causeway failures list | head`). */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit();
}

/** A wrong call exits with 2 at every level: commander does not hand its override down to added commands. */
function exitWithTwo(command: Command): void {
  command.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.calledWrongly);
  });
  for (const each of command.commands) exitWithTwo(each);
}
