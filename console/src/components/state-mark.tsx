/** A state by shape, word and colour: colour alone tells nothing to many people. */
type Tone = "good" | "busy" | "warn" | "bad" | "held" | "none";

const tones: Readonly<Record<string, Tone>> = {
  fine: "good",
  open: "good",
  delivered: "good",
  published: "good",
  superseded: "none",
  skipped: "none",
  discarded: "none",
  received: "busy",
  accepted: "busy",
  pending: "busy",
  behind: "warn",
  throttled: "warn",
  paused: "held",
  outage: "bad",
  failed: "bad",
  off: "none",
};

const shapes: Readonly<Record<Tone, string>> = {
  good: "M3 8.5l3.2 3.2L13 4.9",
  busy: "M8 4.2v4l2.6 1.8M8 14.2a6.2 6.2 0 1 1 0-12.4 6.2 6.2 0 0 1 0 12.4z",
  warn: "M8 2.2l6.3 11.3H1.7zM8 6.4v3.4M8 11.6v.6",
  bad: "M4 4l8 8M12 4l-8 8",
  held: "M5.5 3.5v9M10.5 3.5v9",
  none: "M4 8h8",
};

export function StateMark({ state, text }: { readonly state: string; readonly text?: string }) {
  const tone = tones[state] ?? "none";
  return (
    <span className={`mark ${tone}`}>
      <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
        <path d={shapes[tone]} />
      </svg>
      {text ?? state}
    </span>
  );
}
