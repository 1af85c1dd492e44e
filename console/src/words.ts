/** Words for people: the same as the command line's. */

const stepNames: Readonly<Record<string, string>> = {
  intake: "Intake",
  ce: "CE",
  crm: "CRM",
  email: "E-mail",
};

export function nameOf(step: string): string {
  return stepNames[step] ?? step;
}

const ownerNames: Readonly<Record<string, string>> = {
  masterData: "Master data",
  finance: "Finance",
  integration: "Integration",
};

export function ownerOf(owner: string): string {
  return ownerNames[owner] ?? owner;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: "2-digit",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** In the person's own time zone; the day only when it is not today. */
export function when(iso: string | null): string {
  if (iso === null || iso === "") return "—";
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? clock : dayAndClock).format(date);
}

/** "40 s", "3 min", "2 h", "5 d". */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const steps = [
    { of: 1_000, below: 120_000, unit: "s" },
    { of: 60_000, below: 7_200_000, unit: "min" },
    { of: 3_600_000, below: 172_800_000, unit: "h" },
  ];
  const step = steps.find(({ below }) => ms < below) ?? { of: 86_400_000, unit: "d" };
  return `${Math.round(ms / step.of)} ${step.unit}`;
}

export function ago(iso: string | null): string {
  return iso === null || iso === "" ? "—" : span(Math.max(0, Date.now() - Date.parse(iso)));
}

export function count(value: number, isMore = false): string {
  return `${value.toLocaleString()}${isMore ? "+" : ""}`;
}
