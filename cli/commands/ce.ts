import { Command, Option } from "commander";
import pc from "picocolors";
import { systemClock } from "../../functions/src/platform/clock.ts";
import { createHttp } from "../../functions/src/platform/http.ts";
import { applyInstall, planInstall, type InstallStep } from "../ce/install-ce.ts";
import { connect } from "../connect.ts";

interface InstallFlags {
  readonly plan?: boolean;
  readonly apply?: boolean;
  readonly url?: string;
  readonly json?: boolean;
}

/** `causeway ce install`: the columns, keys, view and role that deliver-ce needs. */
export function ceCommand(): Command {
  return new Command("ce")
    .description("The CE (Dataverse) side")
    .addCommand(
      new Command("install")
        .description(
          "Creates Causeway's columns, alternate keys, view and role in CE; safe to repeat.",
        )
        .addOption(
          new Option("--plan", "show what is missing and write nothing (default)").conflicts(
            "apply",
          ),
        )
        .addOption(
          new Option("--apply", "create what is missing and wait until the keys are active"),
        )
        .option(
          "--url <address>",
          "CE's address, e.g. https://contoso.crm4.dynamics.com; signs in as `az login` did",
        )
        .option("--json", "print the steps as JSON on standard output")
        .action(install),
    );
}

async function install(flags: InstallFlags): Promise<void> {
  const http = createHttp();
  try {
    const { dataverseUrl, getToken } = await connect(flags.url, http);
    const options = { http, getToken, baseUrl: dataverseUrl, clock: systemClock };
    const steps =
      flags.apply === true
        ? await applyInstall({
            ...options,
            onProgress: (step, phase) => {
              if (flags.json !== true) print(phase === "started" ? "…" : pc.green("✓"), step);
            },
          })
        : await planInstall(options);
    if (flags.json === true) {
      process.stdout.write(`${JSON.stringify({ applied: flags.apply === true, steps })}\n`);
      return;
    }
    report(steps, flags.apply === true);
  } finally {
    http.close();
  }
}

function report(steps: readonly InstallStep[], isApplied: boolean): void {
  if (isApplied) {
    process.stdout.write(
      steps.length === 0
        ? "Nothing to do: CE already has everything.\n"
        : `Done: ${steps.length} of ${steps.length} steps. Give the application user the role "Causeway integration".\n`,
    );
    return;
  }
  for (const step of steps) print(step.state === "present" ? pc.green("✓") : pc.yellow("+"), step);
  const missing = steps.filter(({ state }) => state !== "present").length;
  process.stdout.write(
    missing === 0
      ? "CE has everything.\n"
      : `${missing} of ${steps.length} are missing; --apply creates them.\n`,
  );
}

function print(mark: string, step: InstallStep): void {
  process.stdout.write(`${mark} ${step.kind} ${step.name}\n`);
}
