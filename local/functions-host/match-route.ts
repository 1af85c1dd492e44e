/**
 * Matches a path against a route template of an HTTP trigger: literals (ignoring case), `{id}`, `{id?}`,
 * `{id:int}` and a last `{*rest}`. Answers the parameters, undefined when the path is another one's.
 */
export function matchRoute(
  template: string,
  path: string,
): Readonly<Record<string, string>> | undefined {
  const wanted = template.split("/").filter((part) => part !== "");
  const given = path.split("/").filter((part) => part !== "");
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const match = /^\{(\*?)([^:?}]+)(?::([^?}]+))?(\??)\}$/.exec(part);
    const value = given[index];
    if (match === null) {
      if (value?.toLowerCase() !== part.toLowerCase()) return undefined;
      continue;
    }
    const [, rest, name = "", constraint, optional] = match;
    if (rest === "*") {
      params[name] = decodeURIComponent(given.slice(index).join("/"));
      return params;
    }
    if (value === undefined) {
      if (optional !== "?") return undefined;
      continue;
    }
    if (constraint === "int" && !/^-?\d+$/.test(value)) return undefined;
    params[name] = decodeURIComponent(value);
  }
  return given.length <= wanted.length ? params : undefined;
}
