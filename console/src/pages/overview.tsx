import type {
  Attention,
  LastVerification,
  OverviewAnswer,
  StepView,
} from "../../../functions/src/operator/reads/answers.ts";
import { get } from "../api.ts";
import { AnswerView } from "../components/answer-view.tsx";
import { RateChart } from "../components/rate-chart.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { hrefTo } from "../route.ts";
import { useAnswer } from "../use-answer.ts";
import { ago, count, nameOf, ownerOf, span, when } from "../words.ts";

const refreshMs = 3_000;

export function OverviewPage() {
  const answer = useAnswer("overview", () => get<OverviewAnswer>("overview"), refreshMs);
  return (
    <>
      <h1>Overview</h1>
      <AnswerView answer={answer}>
        {({ attention, lastVerification, steps, minutes }) => (
          <>
            <NeedsAPerson attention={attention} lastVerification={lastVerification} />
            <Way steps={steps} />
            <section aria-labelledby="rates">
              <h2 id="rates">Settled per minute, last hour</h2>
              <RateChart minutes={minutes} steps={steps.map(({ name }) => name)} />
            </section>
          </>
        )}
      </AnswerView>
    </>
  );
}

function NeedsAPerson({
  attention,
  lastVerification,
}: {
  readonly attention: readonly Attention[];
  readonly lastVerification: LastVerification | null;
}) {
  return (
    <section aria-labelledby="needs" className="panel">
      <h2 id="needs">What needs a person</h2>
      {attention.length === 0 ? (
        <p className="calm">
          <StateMark state="fine" text="Nothing does." /> Every accepted event is delivered or on
          its way.
        </p>
      ) : (
        <ul className="attention">
          {attention.map((each) => (
            <li key={keyOf(each)}>
              <Need attention={each} />
            </li>
          ))}
        </ul>
      )}
      <Compared last={lastVerification} />
    </section>
  );
}

function keyOf(each: Attention): string {
  switch (each.kind) {
    case "failures":
      return `${each.kind}${each.target}${each.group}`;
    case "verification":
      return each.verification;
    default:
      return `${each.kind}${each.target}`;
  }
}

/** What never came in is no failure: only the comparison with F&O tells of it. */
function Compared({ last }: { readonly last: LastVerification | null }) {
  if (last === null) {
    return (
      <p className="muted compared">
        F&O was not compared with the targets yet; it is every night, or by{" "}
        <code>causeway verify --since 2d</code>.
      </p>
    );
  }
  const { compared, differing, doubled, id, missing } = last;
  return (
    <p className="muted compared">
      <a href={hrefTo("verification", [id])}>Last compared with F&O</a> {when(last.at)}:{" "}
      {count(compared)} records, {count(missing)} missing, {count(doubled)} doubled,{" "}
      {count(differing)} differing.
    </p>
  );
}

function Need({ attention }: { readonly attention: Attention }) {
  const { since } = attention;
  if (attention.kind === "verification") {
    return (
      <a href={hrefTo("verification", [attention.verification])}>
        <StateMark state="failed" text="compare" />
        <b>{attention.title}</b>
        <span>
          {attention.text} Open it to see each document, compare again or send what is missing.
        </span>
        <time dateTime={since}>{ago(since)}</time>
      </a>
    );
  }
  const { target } = attention;
  if (attention.kind === "failures") {
    return (
      <a href={hrefTo("failures", [], { group: attention.group })}>
        <StateMark state="failed" text={count(attention.count, attention.isAtLeast)} />
        <b>{attention.meaning}</b>
        <span>
          {nameOf(target)} · {ownerOf(attention.owner)} puts it right in {attention.fixIn} ·{" "}
          <code>{attention.code}</code>
        </span>
        <time dateTime={since}>{ago(since)}</time>
      </a>
    );
  }
  const words = { outage: "does not answer", paused: "is paused", behind: "is behind" };
  return (
    <a href={hrefTo("targets")}>
      <StateMark state={attention.kind} />
      <b>
        {nameOf(target)} {words[attention.kind]}
      </b>
      <span>{attention.text}</span>
      <time dateTime={since}>{ago(since)}</time>
    </a>
  );
}

/** F&O → intake → one lane per target, as it is built. */
function Way({ steps }: { readonly steps: readonly StepView[] }) {
  const [intake, ...targets] = steps;
  return (
    <section aria-labelledby="way">
      <h2 id="way">The way of an event</h2>
      <div className="way">
        <div className="end">
          <b>F&O</b>
          <span>business events</span>
        </div>
        <Arrow />
        {intake !== undefined && <Step step={intake} />}
        <Fan lanes={targets.length} />
        <div className="lanes">
          {targets.map((step) => (
            <Step key={step.name} step={step} />
          ))}
        </div>
      </div>
    </section>
  );
}

function Step({ step }: { readonly step: StepView }) {
  const { name, health, perMinute, lag, backlog, openFailures, mode, hasMoreFailures } = step;
  return (
    <article className={`step ${health}`} aria-label={nameOf(name)}>
      <header>
        <a href={hrefTo("targets")}>{nameOf(name)}</a>
        <StateMark state={health} />
        {mode !== "live" && mode !== "off" && <span className="mode">{mode}</span>}
      </header>
      <dl>
        <Figure label="per min" value={perMinute.toFixed(perMinute < 10 ? 1 : 0)} />
        <Figure
          label="lag"
          value={lag === null ? "—" : `≤ ${span(lag.medianMs)}`}
          title={lag === null ? "Nothing settled in the last hour" : `95 % ≤ ${span(lag.p95Ms)}`}
        />
        <Figure
          label="waiting"
          value={count(backlog.count, backlog.isMore)}
          title={backlog.oldest === null ? "None" : `The oldest for ${ago(backlog.oldest)}`}
        />
        <Figure
          label="failed"
          value={count(openFailures, hasMoreFailures)}
          isBad={openFailures > 0}
        />
      </dl>
    </article>
  );
}

function Figure({
  label,
  value,
  title,
  isBad = false,
}: {
  readonly label: string;
  readonly value: string;
  readonly title?: string;
  readonly isBad?: boolean;
}) {
  return (
    <div title={title} className={isBad ? "bad" : undefined}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Arrow() {
  return (
    <svg className="arrow" viewBox="0 0 40 20" aria-hidden="true">
      <path d="M0 10h36M30 4l6 6-6 6" />
    </svg>
  );
}

/** One line to each lane's middle. */
function Fan({ lanes }: { readonly lanes: number }) {
  const middle = lanes * 50;
  const lines = Array.from({ length: lanes }, (_none, lane) => {
    const y = lane * 100 + 50;
    return `M0 ${middle}C24 ${middle} 16 ${y} 40 ${y}`;
  });
  return (
    <svg
      className="fan"
      viewBox={`0 0 40 ${lanes * 100}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={lines.join("")} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
