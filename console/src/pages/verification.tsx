import { useState } from "react";
import { Button } from "react-aria-components";
import type { VerificationView } from "../../../functions/src/operator/reads/answers.ts";
import { get, post } from "../api.ts";
import type { ApiError } from "../api.ts";
import { AnswerView, ErrorNotice } from "../components/answer-view.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { useMayOperate } from "../me.ts";
import { goTo, hrefTo } from "../route.ts";
import { toApiError, useAnswer } from "../use-answer.ts";
import { count, nameOf, when } from "../words.ts";

const refreshMs = 2_000;

/** What F&O posted, compared with the ledger and the targets: one comparison, and how to put it right. */
export function VerificationPage({ id }: { readonly id: string }) {
  const path = `verifications/${encodeURIComponent(id)}`;
  const answer = useAnswer(path, () => get<VerificationView>(path), refreshMs);
  return (
    <>
      <p className="crumbs">
        <a href={hrefTo("overview")}>Overview</a> / Compared with F&O
      </p>
      <h1>F&O, the ledger and the targets</h1>
      <AnswerView answer={answer}>
        {(verification) => (
          <>
            <Summary verification={verification} />
            {verification.counts.length > 0 && <Counts counts={verification.counts} />}
            <Findings findings={verification.findings} />
          </>
        )}
      </AnswerView>
    </>
  );
}

function Summary({ verification }: { readonly verification: VerificationView }) {
  const { by, counts, createdAt, note, repair, repaired, replayId, since, state, until } =
    verification;
  const isDifferent = counts.some((each) => each.missing + each.doubled + each.differing > 0);
  return (
    <section className="panel" aria-label="The comparison" data-testid="verification">
      <p role="status">
        <StateMark {...toMark(state, isDifferent)} /> Posted from {when(since)} to {when(until)};
        asked for by {by}, {when(createdAt)}.
      </p>
      {state === "done" && counts.length === 0 && <p>F&O has posted nothing in that time.</p>}
      {note !== "" && <p className="notice">{note}</p>}
      {repair && repaired === 0 && isDifferent && (
        <p>
          Find what stopped them first: F&O can send its events again, or a shorter time is repaired
          (<code>causeway verify --since … --until … --repair</code>).
        </p>
      )}
      {repaired > 0 && (
        <p>
          They are on their way
          {replayId !== "" && (
            <>
              ; the progress is under <a href={hrefTo("failures")}>Failures</a>
            </>
          )}
          . Compare again when they have arrived.
        </p>
      )}
      {state !== "running" && <Actions verification={verification} />}
    </section>
  );
}

function toMark(
  state: VerificationView["state"],
  isDifferent: boolean,
): { readonly state: string; readonly text: string } {
  if (state === "running") return { state: "pending", text: "comparing" };
  if (state === "failed") return { state: "failed", text: "broke off" };
  return isDifferent
    ? { state: "failed", text: "differences" }
    : { state: "fine", text: "the same" };
}

function Actions({ verification }: { readonly verification: VerificationView }) {
  const { counts, since, until } = verification;
  const mayOperate = useMayOperate();
  const [error, setError] = useState<ApiError>();
  if (!mayOperate) return <p className="muted">An Operator can compare again, or repair.</p>;
  const begin = async (repair: boolean): Promise<void> => {
    setError(undefined);
    try {
      const begun = await post<VerificationView>("verifications", { since, until, repair });
      goTo(hrefTo("verification", [begun.id]));
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  return (
    <>
      <div className="row">
        <Button className="plain" onPress={() => void begin(false)}>
          Compare again
        </Button>
        {counts.some(({ missing }) => missing > 0) && (
          <Button className="primary" onPress={() => void begin(true)}>
            Send what is missing
          </Button>
        )}
      </div>
      <p className="muted">
        What is missing is sent by a replay: at most 100 records and 1 % of each target, and no mail
        (<code>causeway verify --repair --include email</code> sends mail too). What is doubled or
        differs is put right by hand in the target.
      </p>
      {error !== undefined && <ErrorNotice error={error} />}
    </>
  );
}

const kinds = ["missing", "doubled", "differing"] as const;

function Counts({ counts }: Pick<VerificationView, "counts">) {
  return (
    <div className="scroll">
      <table data-testid="counts" className="oneLine">
        <thead>
          <tr>
            {["Company", "Target", "Compared", "Good", "Missing", "Doubled", "Differing"].map(
              (title) => (
                <th scope="col" key={title}>
                  {title}
                </th>
              ),
            )}
            <th scope="col">Under way, failed, skipped</th>
            <th scope="col">Told by</th>
          </tr>
        </thead>
        <tbody>
          {inOrder(counts).map((each) => (
            <tr key={`${each.legalEntity}${each.target}`}>
              <th scope="row">{each.legalEntity}</th>
              <td>{nameOf(each.target)}</td>
              <td>{count(each.compared)}</td>
              <td>{count(each.good)}</td>
              {kinds.map((kind) => (
                <td key={kind}>
                  {each[kind] === 0 ? 0 : <StateMark state="failed" text={count(each[kind])} />}
                </td>
              ))}
              <td>
                {count(each.underWay)}, {count(each.failed)}, {count(each.skipped)}
              </td>
              <td>{each.isAsked ? "target and ledger" : "ledger alone"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inOrder(counts: VerificationView["counts"]): VerificationView["counts"] {
  return [...counts].sort((a, b) => a.legalEntity.localeCompare(b.legalEntity));
}

function Findings({ findings }: Pick<VerificationView, "findings">) {
  if (findings.length === 0) return null;
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">The first of them</h2>
      <div className="scroll">
        <table data-testid="findings">
          <thead>
            <tr>
              <th scope="col">Document</th>
              <th scope="col">Target</th>
              <th scope="col">What</th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody>
            {findings.map(({ cause, eventId, kind, legalEntity, number, target, time }) => (
              <tr key={`${legalEntity}${number}${target}${kind}${cause}`}>
                <th scope="row">
                  {eventId === "" ? (
                    `${legalEntity}/${number}`
                  ) : (
                    <a
                      href={hrefTo("journey", [eventId], { time })}
                    >{`${legalEntity}/${number}`}</a>
                  )}
                </th>
                <td>{nameOf(target)}</td>
                <td>{kind}</td>
                <td>{causes[cause] ?? cause}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const causes: Readonly<Record<string, string>> = {
  NO_EVENT: "F&O sent no event for it",
  NEVER_ATTEMPTED: "it was never tried",
  NOT_REPAIRED: "an earlier repair left it out",
  GONE: "it was delivered and is no longer there",
  NEWER_VERSION_GONE: "a newer version of it was delivered and is no longer there",
};
