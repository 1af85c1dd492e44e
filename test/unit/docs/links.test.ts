import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Not ours, or made by a run. */
const skipped = new Set(["node_modules", "dist"]);

function pagesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return entry.name.endsWith(".md") ? [path] : [];
    return entry.name.startsWith(".") || skipped.has(entry.name) ? [] : pagesIn(path);
  });
}

/** Addresses of `[text](address)` and `[name]: address`, without code, web addresses and places in the page. */
function linksOf(markdown: string): readonly string[] {
  const prose = markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").replace(/`[^`\n]*`/g, "");
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)/g)];
  const named = [...prose.matchAll(/^\[[^\]]+\]:\s+<?(\S+?)>?\s*$/gm)];
  return [...inline, ...named]
    .map(([, address = ""]) => address)
    .filter((address) => !/^([a-z][a-z0-9+.-]*:|#|\/\/)/i.test(address));
}

function brokenLinksOf(page: string): readonly string[] {
  return linksOf(readFileSync(page, "utf8"))
    .filter((address) => {
      const path = decodeURIComponent(address.replace(/[#?].*$/, ""));
      return !existsSync(join(dirname(page), path));
    })
    .map((address) => `${relative(root, page)} → ${address}`);
}

describe("links in pages", () => {
  const pages = pagesIn(root);

  it("are looked for in every page that people start from", () => {
    expect(pages.map((page) => relative(root, page))).toEqual(
      expect.arrayContaining([
        "README.md",
        "CONTRIBUTING.md",
        "docs/runbook.md",
        "docs/cli.md",
        "local/DIFFERENCES.md",
        "logicapps/invoice-email/README.md",
        "logicapps/invoice-to-crm/README.md",
      ]),
    );
  });

  it("are found inline and by name, but not in code", () => {
    const page =
      "[a](x.md#y) `[b](no.md)` [web](https://a.example)\n```\n[c](no.md)\n```\n[d]: z.md\n";
    expect(linksOf(page)).toEqual(["x.md#y", "z.md"]);
  });

  it("point at files that exist", () => {
    expect(pages.flatMap(brokenLinksOf)).toEqual([]);
  });
});
