import { useState } from "react";
import { Button } from "react-aria-components";
import { get, post } from "../api.ts";
import type { ApiError } from "../api.ts";
import { AnswerView, ErrorNotice } from "../components/answer-view.tsx";
import { Field } from "../components/field.tsx";
import { ReplayPanel } from "../components/replay-panel.tsx";
import { StateMark } from "../components/state-mark.tsx";
import type { Failure } from "../failure-answers.ts";
import { useMayOperate } from "../me.ts";
import { hrefTo } from "../route.ts";
import { toApiError, useAnswer } from "../use-answer.ts";
import { useDraft } from "../use-draft.ts";
import { nameOf, ownerOf, when } from "../words.ts";

const refreshMs = 5_000;

export function FailurePage({
  target,
  failureId,
}: {
  readonly target: string;
  readonly failureId: string;
}) {
  const path = `failures/${encodeURIComponent(target)}/${encodeURIComponent(failureId)}`;
  const answer = useAnswer(path, () => get<Failure>(path), refreshMs);
  return (
    <>
      <p className="crumbs">
        <a href={hrefTo("failures")}>Failures</a> / {nameOf(target)}
      </p>
      {answer.value === undefined && <h1>{failureId}</h1>}
      <AnswerView answer={answer}>
        {(failure) => (
          <>
            <h1>{failure.businessKey === "" ? failure.failureId : failure.businessKey}</h1>
            {failure.status !== "open" && (
              <Decided path={path} failure={failure} reload={answer.reload} />
            )}
            <Story failure={failure} />
            {failure.status === "open" && (
              <ReplayPanel
                name={failureId}
                selection={{ ids: [{ target, failureId }] }}
                what="this one"
                onChange={answer.reload}
              />
            )}
            <Notes path={path} failure={failure} reload={answer.reload} />
            <details>
              <summary>What was to be sent</summary>
              {failure.bodyIsMasked && (
                <p className="muted">Names and addresses are shown to Operators.</p>
              )}
              {failure.bodyTakenAt === null ? (
                <pre tabIndex={0}>{pretty(failure.body)}</pre>
              ) : (
                <p>
                  Its retention is over: the body was deleted on {failure.bodyTakenAt.slice(0, 10)}.
                  A replay that reads F&O again still works; one as stored is refused.
                </p>
              )}
            </details>
          </>
        )}
      </AnswerView>
    </>
  );
}

/**
 * Somebody was faster: what they decided, instead of buttons that would do it twice. What this person had
 * typed meanwhile is shown, and may become a note.
 */
function Decided({
  path,
  failure,
  reload,
}: {
  readonly path: string;
  readonly failure: Failure;
  readonly reload: () => void;
}) {
  const [forReplay, setForReplay] = useDraft(`reason.replay.${failure.failureId}`);
  const [forDiscard, setForDiscard] = useDraft(`reason.discard.${failure.failureId}`);
  const [error, setError] = useState<ApiError>();
  const words = [forReplay, forDiscard].filter((text) => text.trim() !== "").join(" / ");
  const keep = async (): Promise<void> => {
    try {
      await post(`${path}/notes`, { text: words });
      setForReplay("");
      setForDiscard("");
      reload();
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  return (
    <section className="notice" role="status" data-testid="decided">
      <span>
        This failure is decided: <b>{failure.status}</b>. Who and why is in the audit.
        {words !== "" && (
          <>
            {" "}
            What you typed was not sent: <q>{words}</q>
          </>
        )}
      </span>
      {words !== "" && (
        <Button className="quiet" onPress={() => void keep()}>
          Keep it as a note
        </Button>
      )}
      {error !== undefined && <ErrorNotice error={error} />}
    </section>
  );
}

function Story({ failure }: { readonly failure: Failure }) {
  const { eventId, eventTime, missing } = failure;
  return (
    <section className="panel" aria-label="The story">
      <p>
        <StateMark state="failed" text={failure.meaning} />
      </p>
      <p>{failure.reason}</p>
      <dl className="facts">
        <dt>Whose</dt>
        <dd>{ownerOf(failure.owner)}</dd>
        <dt>Fix in</dt>
        <dd>{failure.fixIn}</dd>
        <dt>Code</dt>
        <dd>
          <code>{failure.code}</code>
        </dd>
        <dt>Company</dt>
        <dd>{failure.legalEntity}</dd>
        <dt>Tries</dt>
        <dd>
          {failure.attempts}, from {when(failure.firstAt)} to {when(failure.lastAt)}
        </dd>
        {missing.length > 0 && (
          <>
            <dt>Missing</dt>
            <dd>{missing.join(", ")}</dd>
          </>
        )}
        <dt>Journey</dt>
        <dd>
          {eventId === "" ? (
            "unknown event"
          ) : (
            <a href={hrefTo("journey", [eventId], { time: eventTime })}>{eventId}</a>
          )}
        </dd>
      </dl>
    </section>
  );
}

function Notes({
  path,
  failure,
  reload,
}: {
  readonly path: string;
  readonly failure: Failure;
  readonly reload: () => void;
}) {
  const mayOperate = useMayOperate();
  const [text, setText] = useDraft(`note.${failure.failureId}`);
  const [error, setError] = useState<ApiError>();
  const add = async (): Promise<void> => {
    try {
      await post(`${path}/notes`, { text: text.trim() });
      setText("");
      setError(undefined);
      reload();
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  return (
    <section className="panel" aria-labelledby="notes">
      <h2 id="notes">Notes</h2>
      {failure.notes.map((note) => (
        <p key={note.at}>
          <b>{note.by}</b> <span className="muted">{when(note.at)}</span> {note.text}
        </p>
      ))}
      {failure.notes.length === 0 && <p className="muted">None yet.</p>}
      {error !== undefined && <ErrorNotice error={error} />}
      {mayOperate && (
        <form
          className="search"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim() !== "") void add();
          }}
        >
          <Field label="A note for whoever looks next" value={text} onChange={setText} />
          <Button type="submit" className="plain" isDisabled={text.trim() === ""}>
            Add
          </Button>
        </form>
      )}
    </section>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
