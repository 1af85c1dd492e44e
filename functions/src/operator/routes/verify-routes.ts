import { asError } from "../../platform/causeway-error.ts";
import type { AuditLog } from "../../recovery/audit-log.ts";
import { toBrokenNote } from "../../recovery/verify/broken-note.ts";
import { beginVerification, runVerification } from "../../recovery/verify/run-verification.ts";
import type { VerifyDependencies } from "../../recovery/verify/run-verification.ts";
import type { Verification } from "../../recovery/verify/verification.ts";
import { OperatorError } from "../operator-error.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import { allowOnly, readLimit } from "../read-query.ts";
import type { VerificationView } from "../reads/answers.ts";
import { isLost } from "../reads/verification-needs.ts";
import { toVerifyWindow } from "./verify-window.ts";

export interface VerifyRoutesOptions extends VerifyDependencies {
  readonly audit: AuditLog;
  /** Begins the replay that repairs at once; the timer would a minute later. */
  readonly kick: (replayId: string) => void;
}

interface VerifyBody {
  readonly since: string;
  readonly until?: string;
  readonly repair?: boolean;
  readonly include?: readonly string[];
}

const instant = { type: "string", format: "date-time", pattern: "Z$" };

export function createVerifyRoutes(on: VerifyRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "POST",
      path: "verifications",
      role: "Operator",
      body: {
        type: "object",
        additionalProperties: false,
        required: ["since"],
        properties: {
          since: instant,
          until: instant,
          repair: { type: "boolean" },
          include: { type: "array", items: { const: "email" } },
        },
      },
      created: true,
      handle: (call) => begin(on, call),
    },
    {
      method: "GET",
      path: "verifications",
      role: "Reader",
      handle: async ({ query }) => {
        allowOnly(query, ["limit"]);
        const found = await on.verifications.list(readLimit(query));
        return { verifications: found.map((each) => showVerification(each, on.clock.now())) };
      },
    },
    {
      method: "GET",
      path: "verifications/{id}",
      role: "Reader",
      handle: async ({ params }) => {
        const { id = "" } = params;
        const found = await on.verifications.get(id);
        if (found !== undefined) return showVerification(found, on.clock.now());
        throw new OperatorError(
          "VERIFICATION_UNKNOWN",
          `There is no verification ${id}.`,
          "`causeway verify --list` shows those that there are.",
        );
      },
    },
  ];
}

async function begin(on: VerifyRoutesOptions, { caller, body }: OperatorCall): Promise<unknown> {
  const given = body as VerifyBody;
  const { since, until } = toVerifyWindow(given, on.clock.now());
  const { repair = false, include = [] } = given;
  if (repair) {
    await on.audit.write({
      callerId: caller.id,
      caller: caller.name,
      action: "verifications.repair",
      subject: `${given.since} to ${new Date(until).toISOString()}`,
      reason: "",
      details: { include },
    });
  }
  const request = { since, until, repair, include, by: caller.name };
  const begun = await beginVerification(on, request);
  // Goes on after the answer.
  runVerification(on, begun)
    .then(({ replayId }) => {
      if (replayId !== "") on.kick(replayId);
    })
    .catch((error: unknown) => {
      on.telemetry.error(asError(error), { name: "verify" });
    });
  return showVerification(begun, begun.createdAt);
}

/** Its process ended without a word: what it had found by then is all that there is. */
function toLost(verification: Verification): Pick<Verification, "note" | "state"> {
  return { state: "failed", note: toBrokenNote(verification, "its process ended") };
}

function showVerification(verification: Verification, now: number): VerificationView {
  const { endedAt } = verification;
  const iso = (at: number): string => new Date(at).toISOString();
  return {
    ...verification,
    ...(isLost(verification, now) ? toLost(verification) : {}),
    since: iso(verification.since),
    until: iso(verification.until),
    createdAt: iso(verification.createdAt),
    endedAt: endedAt === null ? null : iso(endedAt),
  };
}
