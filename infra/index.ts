import { createStack } from "./program.ts";

const outputs = await createStack();

/** What the F&O administrator types into each endpoint form, by door. */
export const doors = outputs["doors"];
/** How `causeway --stack` finds the operator API; empty without the setting `operator`. */
export const operator = outputs["operator"];
/** Where people look: the app, its telemetry, its resource group. */
export const addresses = outputs["addresses"];
