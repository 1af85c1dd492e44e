import { get, post } from "../api.ts";
import { useMayOperate } from "../me.ts";
import { useAnswer } from "../use-answer.ts";
import { isOver, ReplayProgress } from "./replay-progress.tsx";
import type { Replay } from "./replay-progress.tsx";

const progressMs = 1_000;

/** What runs, whoever began it, and the last one that ended. */
export function ReplayList({ version }: { readonly version: number }) {
  const mayOperate = useMayOperate();
  const answer = useAnswer(
    `replays.${version}`,
    () => get<{ readonly replays: readonly Replay[] }>("replays", { limit: "10" }),
    progressMs,
  );
  const replays = answer.value?.replays ?? [];
  const running = replays.filter((replay) => !isOver(replay));
  const last = replays.find(isOver);
  const shown = [...running, ...(last === undefined ? [] : [last])];
  if (shown.length === 0) return null;
  const change = async (id: string, what: "pause" | "resume" | "cancel"): Promise<void> => {
    await post(`replays/${encodeURIComponent(id)}/${what}`, {});
    answer.reload();
  };
  return (
    <section aria-labelledby="replays">
      <h2 id="replays">Replays</h2>
      {shown.map((replay) => (
        <ReplayProgress
          key={replay.id}
          replay={replay}
          onChange={mayOperate ? (what) => change(replay.id, what) : undefined}
        />
      ))}
    </section>
  );
}
