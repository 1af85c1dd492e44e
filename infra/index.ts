import { createStack } from "./program.ts";

const outputs = await createStack();

/** What the F&O administrator types into each endpoint form, by door. */
export const doors = outputs["doors"];
/** Where people look: the app, its telemetry, its resource group. */
export const addresses = outputs["addresses"];
