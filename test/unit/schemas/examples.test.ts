import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { createSchemaSet } from "../../../functions/src/flows/schema-set.ts";

const schemas = createSchemaSet();
const folder = join(import.meta.dirname, "../../../schemas");

interface Example {
  readonly file: string;
  readonly value: unknown;
}

function examplesOf(name: string, kind: "valid" | "invalid"): readonly Example[] {
  const directory = join(folder, name, "examples", kind);
  return readdirSync(directory).map((file) => ({
    file,
    value: JSON.parse(readFileSync(join(directory, file), "utf8")) as unknown,
  }));
}

describe("schema examples", () => {
  it.each(schemas.names)("of %s that are valid pass", (name) => {
    const examples = examplesOf(name, "valid");
    const failed = examples.filter(({ value }) => schemas.problems(name, value).length > 0);
    expect(examples.length).toBeGreaterThan(0);
    expect(failed).toEqual([]);
  });

  it.each(schemas.names)("of %s that are invalid fail for what their file name says", (name) => {
    const examples = examplesOf(name, "invalid");
    expect(examples.length).toBeGreaterThan(0);
    for (const { file, value } of examples) {
      // `<keyword>-<member>.json`; for a rule about the whole value the member only describes.
      const [keyword = "", member = ""] = file.replace(/\.json$/, "").split("-");
      const problems = schemas.problems(name, value);
      const isAboutAll = keyword.endsWith("Properties");
      const found = problems.map(({ path }) => (isAboutAll ? member : path.split(".").at(-1)));
      const keywords = problems.map((problem) => problem.keyword);
      expect({ file, keywords, found }).toEqual({ file, keywords: [keyword], found: [member] });
    }
  });

  it("keep unknown members of business events", () => {
    const value = examplesOf("business-event/sales-invoice-posted.v1", "valid").find(
      ({ file }) => file === "unknown-extra-member.json",
    )?.value;
    expect(schemas.problems("business-event/sales-invoice-posted.v1", value)).toEqual([]);
    expect(value).toMatchObject({ ContosoRouteCode: "N-4" });
  });
});
