import { useEffect, useState } from "react";
import type { FlowView, TryAnswer } from "../../../functions/src/operator/reads/answers.ts";
import { post } from "../api.ts";
import { ApiError } from "../api.ts";
import { toApiError } from "../use-answer.ts";
import { useDraft } from "../use-draft.ts";
import { ErrorNotice } from "./answer-view.tsx";
import { Choice, Field } from "./field.tsx";

const typingMs = 400;

/** A mapping applied to a document while it is typed; no system is asked or written. */
export function MappingTrial({
  flow,
  target,
}: {
  readonly flow: FlowView;
  readonly target: string;
}) {
  const [sample, setSample] = useState(flow.samples[0] ?? "");
  const [text, setText] = useDraft(`try.${flow.name}`);
  const [answer, setAnswer] = useState<TryAnswer>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    let isCurrent = true;
    const tryIt = async (): Promise<void> => {
      try {
        const body = text === "" ? { target, sample } : { target, document: parse(text) };
        const tried = await post<TryAnswer>(`flows/${encodeURIComponent(flow.name)}/try`, body);
        if (!isCurrent) return;
        setAnswer(tried);
        setError(undefined);
      } catch (thrown) {
        if (isCurrent) setError(toApiError(thrown));
      }
    };
    const timer = setTimeout(() => void tryIt(), text === "" ? 0 : typingMs);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [flow.name, target, sample, text]);
  return (
    <section className="trial" aria-label="Try it">
      <h3>Try it</h3>
      <div className="two">
        <div>
          <Choice
            label="Sample"
            value={sample}
            onChange={(next) => {
              setSample(next);
              setText("");
            }}
            options={flow.samples.map((each) => [each, each])}
          />
          <Field
            label="Document (change it and see)"
            value={text === "" ? JSON.stringify(answer?.event ?? {}, null, 2) : text}
            onChange={setText}
            isLong
          />
        </div>
        <div aria-live="polite">
          {error !== undefined && <ErrorNotice error={error} />}
          {answer?.isWanted === false && (
            <p className="notice">The flow does not want this document here.</p>
          )}
          {answer?.rejected != null && <p className="notice warn">{answer.rejected}</p>}
          <b>What would be written</b>
          <pre tabIndex={0} data-testid="record">
            {JSON.stringify(answer?.record ?? {}, null, 2)}
          </pre>
          {answer !== undefined && answer.lookups.length > 0 && (
            <p className="muted">Looked up: {answer.lookups.join(", ")}</p>
          )}
        </div>
      </div>
    </section>
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ApiError(
      "NO_JSON",
      `The document is no JSON yet: ${why}`,
      "Go on typing; the record below is of what was last complete.",
    );
  }
}
