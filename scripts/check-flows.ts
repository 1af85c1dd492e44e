import { FlowError } from "../functions/src/flows/flow-error.ts";
import { loadFlows } from "../functions/src/flows/load-flows.ts";

/** Build step: flows, mappings and mail texts must be right before anything is packed or deployed. */
try {
  const flows = await loadFlows(process.argv[2] ?? "flows");
  const names = flows.map(({ name, targets }) => `${name} (${Object.keys(targets).join(", ")})`);
  process.stdout.write(`flows are right: ${names.join("; ")}\n`);
} catch (error) {
  if (!(error instanceof FlowError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
