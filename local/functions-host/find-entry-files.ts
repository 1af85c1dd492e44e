import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { FunctionsHostError } from "./functions-host-error.ts";

/** The files that the genuine worker loads: `main` of the app's package.json, which may be a glob. */
export function findEntryFiles(appDir: string): readonly string[] {
  const path = join(appDir, "package.json");
  if (!existsSync(path)) {
    throw new FunctionsHostError("APP_NOT_FOUND", `${path} is not there; build the app first`);
  }
  const { main } = JSON.parse(readFileSync(path, "utf8")) as { readonly main?: string };
  if (main === undefined) {
    throw new FunctionsHostError("APP_NOT_FOUND", `${path} has no "main"`);
  }
  const files = /[*{?]/.test(main) ? findByGlob(appDir, main) : [join(appDir, main)];
  const missing = files.find((file) => !existsSync(file));
  if (files.length === 0 || missing !== undefined) {
    throw new FunctionsHostError("APP_NOT_FOUND", `"main" (${main}) of ${path} matches no file`);
  }
  return files;
}

function findByGlob(appDir: string, glob: string): readonly string[] {
  const pattern = toPattern(glob);
  return readdirSync(appDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => pattern.test(relative(appDir, file).split(sep).join("/")))
    .sort();
}

/** Understands `*`, `**`, `?` and `{a,b}`: what apps write in "main". */
function toPattern(glob: string): RegExp {
  const source = glob.replace(/^\.\//, "").replace(/\*\*\/|\*\*|[.*?{},()+^$|[\]\\]/g, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token === "{") return "(?:";
    if (token === "}") return ")";
    return token === "," ? "|" : `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}
