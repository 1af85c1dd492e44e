import { Option } from "commander";
import type { Command } from "commander";

/** The options that every command on the operator API has. */
export function withStackOptions(command: Command): Command {
  return command
    .option("--stack <name>", "the Pulumi stack to work on; signs in as `az login` did")
    .addOption(
      new Option("--url <address>", "the operator API's address, instead of --stack").conflicts(
        "stack",
      ),
    )
    .option("--audience <uri>", "with --url: what the token is for")
    .option("--folder <path>", "the local Azure of `npm start -- --folder <path>`")
    .option("--json", "print JSON on standard output");
}
