import { useEffect, useRef } from "react";
import uPlot from "uplot";
import type { MinuteCounts } from "../../../functions/src/operator/reads/answers.ts";
import { nameOf } from "../words.ts";

const height = 150;

/** Settled per minute of each step over the last hour; the numbers are in the step cards as text too. */
export function RateChart({
  minutes,
  steps,
}: {
  readonly minutes: readonly MinuteCounts[];
  readonly steps: readonly string[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const names = steps.join();
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return undefined;
    const draw = (): void => {
      // In other colours it is the same picture.
      const data = chart.current?.data ?? [[]];
      chart.current?.destroy();
      chart.current = new uPlot(toOptions(parent, names.split(",")), data, parent);
    };
    draw();
    const watcher = new ResizeObserver(() =>
      chart.current?.setSize({ width: parent.clientWidth, height }),
    );
    watcher.observe(parent);
    addEventListener("themechange", draw);
    return () => {
      removeEventListener("themechange", draw);
      watcher.disconnect();
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [names]);
  useEffect(() => {
    const times = minutes.map(({ minute }) => Date.parse(minute) / 1_000);
    const lines = names
      .split(",")
      .map((name) => minutes.map((minute) => minute.steps[name]?.settled ?? 0));
    chart.current?.setData([times, ...lines]);
  });
  const total = minutes.reduce((sum, { steps: each }) => sum + (each["intake"]?.settled ?? 0), 0);
  return (
    <div
      ref={place}
      className="chart"
      role="img"
      aria-label={`Settled per minute over the last hour; ${total} events came in.`}
    />
  );
}

function toOptions(parent: HTMLElement, steps: readonly string[]): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px 'Segoe UI', system-ui, sans-serif",
  };
  return {
    width: parent.clientWidth,
    height,
    cursor: { y: false },
    legend: { live: true },
    scales: { y: { range: (_chart, _min, max) => [0, Math.max(4, max * 1.1)] } },
    axes: [
      { ...axis, values: "{HH}:{mm}" },
      { ...axis, size: 36 },
    ],
    series: [
      { value: "{HH}:{mm}" },
      ...steps.map((step, index) => ({
        label: nameOf(step),
        stroke: colour(`--line-${(index % 5) + 1}`),
        width: 1.75,
        points: { show: false },
      })),
    ],
  };
}
