import { useState } from "react";
import type {
  FlowsAnswer,
  FlowTargetView,
  FlowView,
} from "../../../functions/src/operator/reads/answers.ts";
import { get } from "../api.ts";
import { AnswerView } from "../components/answer-view.tsx";
import { Choice } from "../components/field.tsx";
import { MappingLines } from "../components/mapping-lines.tsx";
import { MappingTrial } from "../components/mapping-trial.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { useAnswer } from "../use-answer.ts";
import { nameOf } from "../words.ts";

export function FlowsPage() {
  const answer = useAnswer("flows", () => get<FlowsAnswer>("flows"));
  return (
    <>
      <h1>Flows and mappings</h1>
      <AnswerView answer={answer}>
        {({ flows }) => flows.map((flow) => <Flow key={flow.name} flow={flow} />)}
      </AnswerView>
    </>
  );
}

function Flow({ flow }: { readonly flow: FlowView }) {
  const [name, setName] = useState(flow.targets[0]?.name ?? "");
  const target = flow.targets.find((each) => each.name === name);
  return (
    <section aria-labelledby={`flow-${flow.name}`}>
      <h2 id={`flow-${flow.name}`}>{flow.name}</h2>
      <FlowPicture flow={flow} />
      <Choice
        label="Mapping of"
        value={name}
        onChange={setName}
        options={flow.targets.map((each) => [each.name, nameOf(each.name)])}
      />
      {target !== undefined && (
        <>
          <MappingLines key={name} fields={target.mapping} writes={target.writes} />
          <MappingTrial key={`try-${name}`} flow={flow} target={name} />
        </>
      )}
    </section>
  );
}

function FlowPicture({ flow }: { readonly flow: FlowView }) {
  return (
    <div className="flow">
      <ul aria-label="Business events">
        {flow.businessEvents.map((event) => (
          <li key={event}>{event}</li>
        ))}
      </ul>
      <span aria-hidden="true">→</span>
      <ul aria-label="Canonical event">
        <li>
          <b>{flow.canonical}</b>
        </li>
      </ul>
      <span aria-hidden="true">→</span>
      <ul aria-label="Targets">
        {flow.targets.map((target) => (
          <FlowTarget key={target.name} target={target} />
        ))}
      </ul>
    </div>
  );
}

function FlowTarget({ target }: { readonly target: FlowTargetView }) {
  const { name, mode, writes, when, companies } = target;
  return (
    <li>
      <b>{nameOf(name)}</b> <StateMark state={mode === "off" ? "off" : "open"} text={mode} />{" "}
      <span className="muted">{writes}</span>
      {when !== null && (
        <div>
          <span className="muted">when</span> <code>{when}</code>
        </div>
      )}
      {companies.length > 0 && <div className="muted">{companies.join(", ")}</div>}
    </li>
  );
}
