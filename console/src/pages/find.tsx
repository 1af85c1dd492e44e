import { useState } from "react";
import { Button } from "react-aria-components";
import type {
  JourneysAnswer,
  JourneySummary,
} from "../../../functions/src/operator/reads/answers.ts";
import { get } from "../api.ts";
import type { Query } from "../api.ts";
import { AnswerView, Empty } from "../components/answer-view.tsx";
import { Field } from "../components/field.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { hrefTo } from "../route.ts";
import { useAnswer } from "../use-answer.ts";
import { useDraft } from "../use-draft.ts";
import { nameOf, when } from "../words.ts";

const guid = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i;

interface Asked {
  readonly text: string;
  readonly company: string;
  readonly since: string;
  readonly continuation?: string;
}

export function FindPage() {
  const [text, setText] = useDraft("find.text");
  const [company, setCompany] = useDraft("find.company");
  const [since, setSince] = useDraft("find.since");
  const [asked, setAsked] = useState<Asked | undefined>(
    text === "" && since === "" ? undefined : { text, company, since },
  );
  return (
    <>
      <h1>Find</h1>
      <form
        className="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked({ text: text.trim(), company: company.trim(), since });
        }}
      >
        <Field
          label="Invoice number, customer account or event id"
          value={text}
          onChange={setText}
          hint="The beginning of a number is enough."
          autoFocus
        />
        <Field label="Company" value={company} onChange={setCompany} hint="For example usmf" />
        <Field
          label="Since"
          type="datetime-local"
          value={since}
          onChange={setSince}
          hint="Alone: the hour from then on"
        />
        <Button type="submit" className="primary">
          Find
        </Button>
      </form>
      {asked !== undefined &&
        (asked.text === "" && asked.since === "" ? (
          <Empty>Type what to look for, or choose a time; a company alone is too much.</Empty>
        ) : (
          <Results asked={asked} goOn={setAsked} />
        ))}
    </>
  );
}

function Results({
  asked,
  goOn,
}: {
  readonly asked: Asked;
  readonly goOn: (asked: Asked) => void;
}) {
  const answer = useAnswer(JSON.stringify(asked), () => search(asked));
  return (
    <AnswerView answer={answer}>
      {({ journeys, continuation, isCut = false }) => (
        <>
          {journeys.length === 0 ? (
            <Empty>
              Nothing was found
              {asked.text === "" ? " in that hour" : " for “"}
              {/* What people paste may turn the direction of writing. */}
              <bdi>{asked.text}</bdi>
              {asked.text !== "" && "”"}
              {asked.company !== "" && ` in ${asked.company}`}. A company outside the flows has to
              be named; an event that failed at intake is under{" "}
              <a href={hrefTo("failures")}>Failures</a>.
            </Empty>
          ) : (
            <JourneyTable journeys={journeys} />
          )}
          {isCut && (
            <p className="muted">
              More documents begin like this than were looked at: newer ones may be among the rest.
              Type more of the number.
            </p>
          )}
          {continuation !== undefined && (
            <Button className="plain" onPress={() => goOn({ ...asked, continuation })}>
              Look further back
            </Button>
          )}
        </>
      )}
    </AnswerView>
  );
}

async function search(asked: Asked): Promise<JourneysAnswer> {
  const { text, company, since, continuation } = asked;
  const instant = since === "" ? undefined : new Date(since).toISOString();
  const common: Query = { legalEntity: company, since: instant, continuation };
  if (text === "") return get("journeys", common);
  if (guid.test(text)) {
    return get("journeys", { ...common, eventId: text.replace(/[{}]/g, "") });
  }
  const byNumber = await get<JourneysAnswer>("journeys", { ...common, key: text });
  if (byNumber.journeys.length > 0 || continuation !== undefined) return byNumber;
  const byCustomer = await get<JourneysAnswer>("journeys", { ...common, customer: text });
  return byCustomer.journeys.length > 0 ? byCustomer : byNumber;
}

function JourneyTable({ journeys }: { readonly journeys: readonly JourneySummary[] }) {
  const steps = [...new Set(journeys.flatMap(({ states }) => Object.keys(states)))];
  const ordered = ["intake", ...steps.filter((step) => step !== "intake").sort()];
  return (
    <div className="scroll">
      <table data-testid="journeys">
        <thead>
          <tr>
            <th scope="col">Document</th>
            <th scope="col">Company</th>
            <th scope="col">Customer</th>
            <th scope="col">Posted</th>
            {ordered.map((step) => (
              <th scope="col" key={step}>
                {nameOf(step)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {journeys.map(({ eventId, time, number, legalEntity, customerAccount, states }) => (
            <tr key={eventId}>
              <th scope="row">
                <a href={hrefTo("journey", [eventId], { time })}>
                  {number === "" ? eventId : number}
                </a>
              </th>
              <td>{legalEntity}</td>
              <td>{customerAccount}</td>
              <td>{when(time)}</td>
              {ordered.map((step) => (
                <td key={step}>
                  {states[step] === undefined ? "—" : <StateMark state={states[step]} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
