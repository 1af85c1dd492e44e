import { useSyncExternalStore } from "react";

export interface Route {
  readonly page: string;
  /** What follows the page's name: ids. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** `#/failures/ce/123?x=y`. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page = "", ...rest] = path.split("/").map(decode);
  return { page: page === "" ? "overview" : page, rest, query: new URLSearchParams(query) };
}

/** An address that was cut or typed by hand is a page that is not there, and no reason to stop. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function hrefTo(
  page: string,
  rest: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const path = [page, ...rest.map(encodeURIComponent)].join("/");
  const text = new URLSearchParams(query).toString();
  return `#/${path}${text === "" ? "" : `?${text}`}`;
}

export function goTo(href: string): void {
  location.hash = href;
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
