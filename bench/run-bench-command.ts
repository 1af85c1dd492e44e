import { createProgress, type Progress } from "./create-progress.ts";

export interface BenchCommand<Options extends { readonly json: boolean }, Report> {
  readonly usage: string;
  /** Undefined when help was asked for; throws for a wrong call. */
  readonly readOptions: (args: readonly string[]) => Options | undefined;
  readonly run: (options: Options, progress: Progress) => Promise<Report>;
  readonly render: (report: Report) => string;
  readonly isFine: (report: Report) => boolean;
}

/** Flags in; the report on standard output, everything else on standard error, and the exit code (0, 1, 2). */
export async function runBenchCommand<Options extends { readonly json: boolean }, Report>(
  command: BenchCommand<Options, Report>,
): Promise<number> {
  let options: Options | undefined;
  try {
    options = command.readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${toText(error)}\n\n${command.usage}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(command.usage);
    return 0;
  }
  const progress = createProgress(process.stderr);
  try {
    const report = await command.run(options, progress);
    progress.end();
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : command.render(report));
    return command.isFine(report) ? 0 : 1;
  } catch (error) {
    progress.end();
    process.stderr.write(`bench failed: ${toText(error)}\n`);
    return 1;
  }
}

function toText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
