import { describe, expect, it } from "@jest/globals";
import { toTableLines } from "../../../cli/print.ts";

const headings = ["target", "id", "reason"];
const id = "086ee090-ef23-58a4-b2f6-8992accb6cb4";
const rows = [
  ["ce", id, "the row is paid, and nobody may write to it any more"],
  ["email", id, "no"],
];

describe("a table", () => {
  it("has a line for each row where there is room for it", () => {
    expect(toTableLines(headings, rows, Infinity)).toEqual([
      ["target  id                                    reason"],
      [`ce      ${id}  the row is paid, and nobody may write to it any more`],
      [`email   ${id}  no`],
    ]);
  });

  it("cuts only the text at its end", () => {
    const [, first] = toTableLines(headings, rows, 80);

    expect(first).toEqual([`ce      ${id}  the row is paid, and nobody may w…`]);
  });

  it("goes on below where the terminal ends, so that an id stays whole", () => {
    expect(toTableLines(headings, rows, 52)).toEqual([
      ["target  id", "  reason"],
      [`ce      ${id}`, "  the row is paid, and nobody may write to it any m…"],
      [`email   ${id}`, "  no"],
    ]);
    expect(toTableLines(headings, [["email", id, ""]], 40)[1]).toEqual(["email", `  ${id}`]);
  });
});
