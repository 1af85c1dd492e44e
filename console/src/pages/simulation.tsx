import { useState } from "react";
import { Button } from "react-aria-components";
import { ErrorNotice } from "../components/answer-view.tsx";
import { Choice } from "../components/field.tsx";
import { StateMark } from "../components/state-mark.tsx";
import { ApiError } from "../api.ts";
import { hrefTo } from "../route.ts";
import { settings } from "../settings.ts";
import type { SimulatedSystem } from "../settings.ts";
import { toApiError, useAnswer } from "../use-answer.ts";

interface Posted {
  readonly legalEntity: string;
  readonly number: string;
  readonly eventId: string;
}

const systems: readonly { readonly name: SimulatedSystem; readonly title: string }[] = [
  { name: "finance", title: "F&O" },
  { name: "dataverse", title: "CE" },
  { name: "crm", title: "CRM" },
  { name: "mail", title: "E-mail" },
];
const companies = ["usmf", "gbsi", "demf", "jpmf"] as const;
const faultsMs = 2_000;
const shownPosts = 10;

/** The first ten minutes of a newcomer: post, break, watch it heal. Only where the systems are simulated. */
export function SimulationPage() {
  const [company, setCompany] = useState<string>("usmf");
  const [posted, setPosted] = useState<readonly Posted[]>([]);
  const [error, setError] = useState<ApiError>();
  const post = async (repeat: number): Promise<void> => {
    try {
      const answer = (await call("finance", "post-invoice", "POST", { company, repeat })) as Posted;
      setPosted([answer, ...posted].slice(0, shownPosts));
      setError(undefined);
    } catch (thrown) {
      setError(toApiError(thrown));
    }
  };
  return (
    <>
      <h1>Try it</h1>
      <p className="muted">
        Post an invoice in the simulated F&O and follow it. Then break a system, post again, watch
        it wait on the <a href={hrefTo("overview")}>overview</a>, and heal it.
      </p>
      {error !== undefined && <ErrorNotice error={error} />}
      <section className="panel" aria-labelledby="post">
        <h2 id="post">1. Post an invoice</h2>
        <div className="row">
          <Choice
            label="Company"
            value={company}
            onChange={setCompany}
            options={companies.map((each) => [each, each])}
          />
          <Button className="primary" onPress={() => void post(1)}>
            Post one
          </Button>
          <Button className="plain" onPress={() => void post(50)}>
            Post fifty
          </Button>
        </div>
        <ul aria-label="Posted" aria-live="polite">
          {posted.map(({ eventId, number, legalEntity }) => (
            <li key={eventId}>
              <a href={hrefTo("journey", [eventId.toLowerCase()])}>{number}</a> in {legalEntity}
            </li>
          ))}
        </ul>
      </section>
      <section className="panel" aria-labelledby="break">
        <h2 id="break">2. Break something, and heal it</h2>
        <div className="cards">
          {systems.map(({ name, title }) => (
            <Faults key={name} system={name} title={title} />
          ))}
        </div>
      </section>
    </>
  );
}

const faults = [
  ["down", "Does not work (503)", { status: 503 }],
  ["throttled", "Too many requests (429)", { status: 429, retryAfter: 5 }],
  ["slow", "Slow (2 s)", { latencyMs: 2_000 }],
  ["flaky", "Half of the calls fail", { status: 500, rate: 0.5 }],
] as const;

function Faults({ system, title }: { readonly system: SimulatedSystem; readonly title: string }) {
  const [kind, setKind] = useState("down");
  const answer = useAnswer(
    `faults.${system}`,
    async () => (await call(system, "faults", "GET")) as object,
    faultsMs,
  );
  const isBroken = Object.keys(answer.value ?? {}).length > 0;
  const change = async (): Promise<void> => {
    const [, , fault] = faults.find(([name]) => name === kind) ?? faults[0];
    await (isBroken ? call(system, "faults", "DELETE") : call(system, "faults", "PUT", fault));
    answer.reload();
  };
  return (
    <article className="panel inset" aria-label={title}>
      <header className="row">
        <h3>{title}</h3>
        <StateMark state={isBroken ? "outage" : "fine"} text={isBroken ? "broken" : "works"} />
      </header>
      {answer.error !== undefined && <ErrorNotice error={answer.error} />}
      <Choice
        label={`Fault of ${title}`}
        value={kind}
        onChange={setKind}
        options={faults.map(([name, text]) => [name, text])}
      />
      <Button className={isBroken ? "primary" : "risky"} onPress={() => void change()}>
        {isBroken ? `Heal ${title}` : `Break ${title}`}
      </Button>
    </article>
  );
}

async function call(
  system: SimulatedSystem,
  path: string,
  method: string,
  body?: unknown,
): Promise<unknown> {
  const base = settings().simulation?.[system] ?? "";
  try {
    const response = await fetch(`${base}/sim/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new ApiError(
      "NO_ANSWER",
      "The simulated system did not answer.",
      "Is npm start still running?",
    );
  }
}
