import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import type { StackFlags } from "./find-operator-api.ts";

/** The options that every command on the operator API has. */
export function withStackOptions(command: Command): Command {
  return command
    .option("--stack <name>", "the Pulumi stack to work on; signs in as `az login` did", toGiven)
    .addOption(
      new Option("--url <address>", "with --audience: the operator API's address, without --stack")
        .argParser(toGiven)
        .conflicts("stack"),
    )
    .addOption(
      new Option("--audience <uri>", "with --url: what the token is for")
        .argParser(toGiven)
        .conflicts("stack"),
    )
    .option("--folder <path>", "the local Azure of `npm start -- --folder <path>`", toGiven)
    .option("--json", "print JSON on standard output")
    .hook("preAction", (_command, called) => {
      const complaint = complainAboutStack(called.optsWithGlobals<StackFlags>());
      if (complaint !== undefined) called.error(`error: ${complaint}`);
    });
}

/** Half an address names no stack: taken for none, the command would change the local Azure and say that all is done. */
function complainAboutStack({ url, audience }: StackFlags): string | undefined {
  if (url !== undefined && audience === undefined) {
    return "--url needs --audience, what the token is for (docs/cli.md)";
  }
  if (url === undefined && audience !== undefined) {
    return "--audience needs --url, the operator API's address";
  }
  return undefined;
}

/** A script's empty variable must not lead to the local Azure. */
function toGiven(text: string): string {
  if (text === "") throw new InvalidArgumentError("it is empty; leave it out for the local Azure");
  return text;
}
