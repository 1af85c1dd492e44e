import type {
  DeliveryView,
  JourneyAnswer,
  TrailView,
} from "../../../functions/src/operator/reads/answers.ts";
import { get } from "../api.ts";
import { AnswerView } from "../components/answer-view.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { hrefTo } from "../route.ts";
import { useAnswer } from "../use-answer.ts";
import { nameOf, span, when } from "../words.ts";

const refreshMs = 3_000;

export function JourneyPage({
  eventId,
  time,
}: {
  readonly eventId: string;
  readonly time: string;
}) {
  const path = `journeys/${encodeURIComponent(eventId)}`;
  const answer = useAnswer(path, () => get<JourneyAnswer>(path, { time }), refreshMs);
  return (
    <>
      <p className="crumbs">
        <a href={hrefTo("find")}>Find</a> / {answer.value?.legalEntity ?? "an event"}
      </p>
      {answer.value === undefined && <h1>{eventId}</h1>}
      <AnswerView answer={answer}>
        {(journey) => (
          <>
            <h1>{journey.number === "" ? journey.eventId : journey.number}</h1>
            <Facts journey={journey} />
            <div className="journey">
              {journey.deliveries.map((delivery) => (
                <Delivery key={delivery.target} delivery={delivery} time={journey.time} />
              ))}
            </div>
            <details>
              <summary>What came in and was sent on</summary>
              <p className="muted">
                The canonical event, as every target was given it. Names and addresses are shown to
                Operators.
              </p>
              {journey.bodyTakenAt === null ? (
                <pre tabIndex={0}>{JSON.stringify(journey.body, null, 2)}</pre>
              ) : (
                <p>
                  Its retention is over: the body was deleted on {journey.bodyTakenAt.slice(0, 10)}.
                </p>
              )}
            </details>
          </>
        )}
      </AnswerView>
    </>
  );
}

function Facts({ journey }: { readonly journey: JourneyAnswer }) {
  const { legalEntity, customerAccount, time, flow, eventId, traceId, sourceUrl } = journey;
  return (
    <dl className="facts">
      <dt>Company</dt>
      <dd>
        {sourceUrl === null ? (
          legalEntity
        ) : (
          <a href={sourceUrl} target="_blank" rel="noreferrer">
            {legalEntity} in F&O
          </a>
        )}
      </dd>
      <dt>Customer</dt>
      <dd>{customerAccount}</dd>
      <dt>Posted</dt>
      <dd>{when(time)}</dd>
      <dt>Flow</dt>
      <dd>{flow}</dd>
      <dt>Event</dt>
      <dd>
        <code>{eventId}</code>
      </dd>
      <dt>Trace</dt>
      <dd>
        <code>{traceId}</code>
      </dd>
    </dl>
  );
}

function Delivery({ delivery, time }: { readonly delivery: DeliveryView; readonly time: string }) {
  const { target, state, url, reference, rule, failureId, missing, dueAt, settledAt } = delivery;
  const lag = settledAt === null ? null : Date.parse(settledAt) - Date.parse(time);
  return (
    <section aria-label={nameOf(target)} className="delivery">
      <header>
        <h2>{nameOf(target)}</h2>
        <StateMark state={state} />
        {lag !== null && lag >= 0 && <span className="muted">after {span(lag)}</span>}
      </header>
      <p>
        {url !== null && (
          <a href={url} target="_blank" rel="noreferrer">
            Open the record
          </a>
        )}
        {url === null && reference !== null && <code>{reference}</code>}
        {rule !== null && <>Rule: {rule}. </>}
        {failureId !== null && (
          <a href={hrefTo("failure", [target, failureId])}>The failure's story</a>
        )}
        {missing.length > 0 && <>Waits for {missing.join(", ")}. </>}
        {dueAt !== null && <>Next try {when(dueAt)}. </>}
      </p>
      <ol className="trail">
        {delivery.trail.map((step) => (
          <Step key={`${step.hop}${step.at}`} step={step} />
        ))}
        {delivery.trail.length === 0 && <li className="muted">Nothing has happened yet.</li>}
      </ol>
      {delivery.wouldSend !== null && (
        <details>
          <summary>What would be sent (dry run)</summary>
          <pre tabIndex={0}>{JSON.stringify(delivery.wouldSend, null, 2)}</pre>
        </details>
      )}
    </section>
  );
}

function Step({ step }: { readonly step: TrailView }) {
  const { at, hop, attempts, state, code, reason, dueAt } = step;
  const tries = attempts === 0 ? "not tried" : attempts === 1 ? "1 try" : `${attempts} tries`;
  return (
    <li>
      <time dateTime={at}>{when(at)}</time>
      <StateMark state={state} text={state === "pending" ? "put off" : state} />
      <span className="muted">
        hop {hop}, {tries}
      </span>
      {code !== null && <code>{code}</code>}
      {reason !== null && <span>{reason}</span>}
      {dueAt !== null && <span className="muted">again {when(dueAt)}</span>}
    </li>
  );
}
