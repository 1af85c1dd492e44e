// Importing a trigger registers its function; this file's import is the only one that has effects.
import "./triggers/business-events-door.ts";
import "./triggers/console.ts";
import "./triggers/intake.ts";
import "./triggers/deliver-ce.ts";
import "./triggers/deliver-crm.ts";
import "./triggers/deliver-email.ts";
import "./triggers/record-failure.ts";
import "./triggers/sweep.ts";
import "./triggers/operator-api.ts";
import "./triggers/replay-runner.ts";
import "./triggers/nightly-verify.ts";
import "./triggers/count-posted.ts";
import "./triggers/probe.ts";
import "./triggers/notify-owners.ts";
import "./triggers/daily-digest.ts";
import "./triggers/health.ts";
import "./triggers/warm-up.ts";
