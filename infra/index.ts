import * as pulumi from "@pulumi/pulumi";
import { createStack } from "./program.ts";

/** Pulumi prints a RunError's message alone: what is wrong, without our stack and a second time as an object. */
async function run(): Promise<Record<string, unknown>> {
  try {
    return await createStack();
  } catch (error) {
    throw pulumi.InputPropertiesError.isInstance(error)
      ? new pulumi.RunError(error.message)
      : error;
  }
}

const outputs = await run();

/** What the F&O administrator types into each endpoint form, by door. */
export const doors = outputs["doors"];
/** How `causeway --stack` finds the operator API; empty without the setting `operator`. */
export const operator = outputs["operator"];
/** Where people look: the app, its telemetry, its resource group. */
export const addresses = outputs["addresses"];
