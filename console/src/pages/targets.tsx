import type {
  QuotaView,
  TargetsAnswer,
  TargetView,
} from "../../../functions/src/operator/reads/answers.ts";
import { get, post } from "../api.ts";
import { AnswerView } from "../components/answer-view.tsx";
import { ReasonDialog } from "../components/reason-dialog.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { useMayOperate } from "../me.ts";
import { useAnswer } from "../use-answer.ts";
import { ago, count, nameOf, when } from "../words.ts";

const refreshMs = 3_000;

export function TargetsPage() {
  const answer = useAnswer("targets", () => get<TargetsAnswer>("targets"), refreshMs);
  return (
    <>
      <h1>Targets</h1>
      <p className="muted">
        A paused target is not called: its deliveries wait without costing an attempt, and go on
        when it is resumed. Nothing is lost.
      </p>
      <AnswerView answer={answer}>
        {({ targets }) => (
          <div className="cards">
            {targets.map((target) => (
              <Target key={target.name} target={target} reload={answer.reload} />
            ))}
          </div>
        )}
      </AnswerView>
    </>
  );
}

function Target({ target, reload }: { readonly target: TargetView; readonly reload: () => void }) {
  const mayOperate = useMayOperate();
  const { name, mode, gate, backlog, companies } = target;
  const isPaused = gate.state === "paused";
  const change = async (what: "pause" | "resume", reason: string): Promise<void> => {
    await post(`targets/${encodeURIComponent(name)}/${what}`, { reason });
    reload();
  };
  return (
    <article className="panel" aria-label={nameOf(name)}>
      <header className="row">
        <h2>{nameOf(name)}</h2>
        <StateMark state={mode === "off" ? "off" : gate.state} />
        <span className="mode">{mode}</span>
      </header>
      <GateStory target={target} />
      <dl className="facts">
        <dt>Waiting</dt>
        <dd>
          {count(backlog.count, backlog.isMore)}
          {backlog.oldest !== null && `, the oldest for ${ago(backlog.oldest)}`}
        </dd>
        {Object.entries(companies).map(([company, each]) => (
          <Pair key={company} name={company} text={each} />
        ))}
      </dl>
      {mode !== "off" && <Quota quota={target.quota} />}
      {mayOperate && mode !== "off" && (
        <ReasonDialog
          key={isPaused ? "resume" : "pause"}
          name={`${isPaused ? "resume" : "pause"}.${name}`}
          button={isPaused ? "Resume" : "Pause"}
          title={isPaused ? `Resume ${nameOf(name)}` : `Pause ${nameOf(name)}`}
          explanation={
            isPaused
              ? "Deliveries that were put off are woken within a minute."
              : "From now on it is not called; deliveries wait."
          }
          confirm={isPaused ? "Resume" : "Pause"}
          onConfirm={(reason) => change(isPaused ? "resume" : "pause", reason)}
        />
      )}
    </article>
  );
}

function GateStory({ target }: { readonly target: TargetView }) {
  const { gate } = target;
  switch (gate.state) {
    case "paused":
      return (
        <p>
          By {gate.pause?.by} since {when(gate.since)}: “{gate.pause?.reason}”
        </p>
      );
    case "outage":
      return (
        <p>
          No answer since {when(gate.since)}; asked {gate.probes + 1} times, next {when(gate.until)}
          . It opens by itself with the first answer.
        </p>
      );
    case "throttled":
      return <p>It asked us to wait until {when(gate.until)}.</p>;
    case "open":
      return <p className="muted">It answers.</p>;
  }
}

function Quota({ quota }: { readonly quota: TargetView["quota"] }) {
  return (
    <>
      <h3>Quota</h3>
      {quota.length === 0 ? (
        <p className="muted">No limit is kept here; it says itself when to wait.</p>
      ) : (
        <dl className="facts quota">
          {quota.map((each) => (
            <Pair key={each.what} name={each.what} text={leftOf(each)} />
          ))}
        </dl>
      )}
    </>
  );
}

function leftOf({ ahead, at, left, limit, used }: QuotaView): string {
  if (limit !== null && used === null) return `at most ${count(limit)}`;
  if (left === null) return "nothing told in the last hour";
  if (limit === null) return `${count(left)} left, ${ago(at)} ago`;
  const later = (ahead ?? 0) > 0 ? `; ${count(ahead ?? 0)} have their place later` : "";
  return `${count(used ?? 0)} of ${count(limit)} used, ${count(left)} left${later}`;
}

function Pair({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}
