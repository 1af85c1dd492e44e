import { useState } from "react";
import type { MappingFieldView } from "../../../functions/src/operator/reads/answers.ts";

const rowHeight = 24;

interface Line {
  readonly to: string;
  readonly field: MappingFieldView;
}

/**
 * A mapping as two columns: what the document has, what is written, and a line for each that is read.
 * For a screen reader each written field names what it is made from.
 */
export function MappingLines({
  fields,
  writes,
}: {
  readonly fields: readonly MappingFieldView[];
  readonly writes: string;
}) {
  const [lit, setLit] = useState<string>();
  const lines = fields.flatMap((field): readonly Line[] => [
    { to: field.to, field },
    ...field.fields.map((each) => ({ to: `${field.to}[].${each.to}`, field: each })),
  ]);
  const sources = [...new Set(lines.flatMap(({ field }) => field.reads))];
  const height = Math.max(lines.length, sources.length) * rowHeight;
  const isLit = ({ to, field }: Line): boolean =>
    lit === to || (lit !== undefined && field.reads.includes(lit));
  return (
    <div className="mapping" onMouseLeave={() => setLit(undefined)}>
      <div>
        <h3>The document</h3>
        <ul aria-label="Read from the document">
          {sources.map((path) => (
            <li
              key={path}
              className={
                lines.some((line) => isLit(line) && line.field.reads.includes(path)) ? "lit" : ""
              }
              onMouseEnter={() => setLit(path)}
            >
              {path}
            </li>
          ))}
        </ul>
      </div>
      <svg
        viewBox={`0 0 100 ${height}`}
        height={height}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        {lines.flatMap((line, row) =>
          line.field.reads.map((path) => (
            <path
              key={`${line.to}${path}`}
              className={isLit(line) && (lit === line.to || lit === path) ? "lit" : ""}
              d={toCurve(sources.indexOf(path), row)}
              vectorEffect="non-scaling-stroke"
            />
          )),
        )}
      </svg>
      <div>
        <h3>{writes}</h3>
        <ul aria-label={`Written to ${writes}`}>
          {lines.map((line) => (
            <li
              key={line.to}
              className={isLit(line) ? "lit" : ""}
              onMouseEnter={() => setLit(line.to)}
              title={line.field.detail ?? ""}
            >
              <span>{line.to}</span>
              <small>
                <span className="hidden">
                  {" "}
                  from {line.field.reads.join(", ") || "a fixed value"},{" "}
                </span>
                {toWords(line.field)}
              </small>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function toCurve(from: number, to: number): string {
  const [start, end] = [from, to].map((row) => (row + 0.5) * rowHeight);
  return `M0 ${start}C45 ${start} 55 ${end} 100 ${end}`;
}

function toWords({ kind, detail }: MappingFieldView): string {
  switch (kind) {
    case "path":
      return "";
    case "each":
      return "one per item";
    case "expression":
    case "lookup":
    case "value":
      return detail ?? "";
  }
}
