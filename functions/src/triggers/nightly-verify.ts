import { app } from "@azure/functions";
import { getApp } from "../compose.ts";
import {
  beginVerification,
  runVerification,
  settleMs,
} from "../recovery/verify/run-verification.ts";

const dayMs = 86_400_000;
/** Yesterday's last hours again: what was on its way then has arrived by now. */
const overlapMs = 4 * 3_600_000;

// Reports and repairs nothing: repairing is a person's decision.
app.timer("nightly-verify", {
  schedule: "0 30 2 * * *",
  handler: async () => {
    const { verify } = await getApp();
    const until = verify.clock.now() - settleMs;
    const since = until - dayMs - overlapMs;
    const request = { since, until, repair: false, include: [], by: "causeway" };
    await runVerification(verify, await beginVerification(verify, request));
  },
});
