import { useState } from "react";
import { Button } from "react-aria-components";
import { post } from "../api.ts";
import type { ApiError } from "../api.ts";
import type { Selection } from "../failure-answers.ts";
import { useMayOperate } from "../me.ts";
import { toApiError } from "../use-answer.ts";
import { count, nameOf } from "../words.ts";
import { ErrorNotice } from "./answer-view.tsx";
import { ReasonDialog } from "./reason-dialog.tsx";
import type { Replay } from "./replay-progress.tsx";

interface Plan {
  readonly total: number;
  readonly isAtLeast: boolean;
  readonly parts: readonly {
    readonly target: string;
    readonly cause: string;
    readonly count: number;
  }[];
  readonly examples: readonly { readonly target: string; readonly businessKey: string }[];
}

interface Discarded {
  readonly noLongerOpen: number;
}

/** Plan, replay in steps, discard: for the rows that are chosen, or all of them. */
export function ReplayPanel({
  name,
  selection,
  what,
  onChange,
}: {
  readonly name: string;
  readonly selection: Selection;
  readonly what: string;
  readonly onChange: () => void;
}) {
  const mayOperate = useMayOperate();
  const [plan, setPlan] = useState<Plan>();
  const [error, setError] = useState<ApiError>();
  const [decidedByOthers, setDecidedByOthers] = useState(0);
  if (!mayOperate) return <p className="muted">An Operator can replay or discard these.</p>;
  const makePlan = async (): Promise<void> => {
    setError(undefined);
    try {
      setPlan((await post<{ readonly plan: Plan }>("replays", { selection, dryRun: true })).plan);
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  const replay = async (reason: string): Promise<void> => {
    await post<Replay>("replays", { selection, reason });
    setPlan(undefined);
    onChange();
  };
  const discard = async (reason: string): Promise<void> => {
    setDecidedByOthers(0);
    const answer = await post<Discarded>("failures/discard", { selection, reason });
    setDecidedByOthers(answer.noLongerOpen);
    onChange();
  };
  return (
    <div>
      <div className="row" role="group" aria-label="What to do">
        <Button className="plain" onPress={() => void makePlan()}>
          Plan
        </Button>
        <ReasonDialog
          name={`replay.${name}`}
          button={`Replay ${what}`}
          title={`Replay ${what}`}
          explanation="Each goes again, to the one target that failed. It rises in steps and stops by itself when too much of a step fails again."
          confirm="Replay"
          onConfirm={replay}
        />
        <ReasonDialog
          name={`discard.${name}`}
          button={`Discard ${what}`}
          title={`Discard ${what}`}
          explanation="Nothing will be sent for these any more. They stay in the ledger as discarded, with your reason."
          confirm="Discard"
          isRisky
          onConfirm={discard}
        />
      </div>
      {error !== undefined && <ErrorNotice error={error} />}
      {decidedByOthers > 0 && (
        <p className="notice warn" role="status">
          <span>
            {count(decidedByOthers)} of them were decided by somebody else meanwhile and stay as
            that person said.
          </span>
        </p>
      )}
      {plan !== undefined && <PlanView plan={plan} />}
    </div>
  );
}

function PlanView({ plan }: { readonly plan: Plan }) {
  return (
    <div className="panel inset" role="status" data-testid="plan">
      <b>{count(plan.total, plan.isAtLeast)} would be sent again.</b>{" "}
      <span className="muted">Nothing has been sent.</span>
      <ul>
        {plan.parts.map((part) => (
          <li key={`${part.target}${part.cause}`}>
            {count(part.count)} to {nameOf(part.target)} <code>{part.cause}</code>
          </li>
        ))}
      </ul>
      <span className="muted">
        For example {plan.examples.map(({ businessKey }) => businessKey).join(", ")}
      </span>
    </div>
  );
}
