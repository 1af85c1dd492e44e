import { InvalidArgumentError } from "commander";
import type { OperatorClient } from "./operator-client.ts";

/** What the API gives at once. */
const pageSize = 200;

export interface Pages<Item> {
  readonly items: readonly Item[];
  /** There are more than were asked for. */
  readonly isMore: boolean;
}

/** As many as are wanted, page by page; `name`: the member of the answer that they are in. */
export async function readPages<Item>(
  client: Pick<OperatorClient, "get">,
  path: string,
  name: string,
  wanted: number,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<Pages<Item>> {
  const items: Item[] = [];
  let continuation: string | undefined;
  do {
    const limit = String(Math.min(wanted - items.length, pageSize));
    const page = await client.get<Readonly<Record<string, unknown>>>(path, {
      ...query,
      limit,
      continuation,
    });
    items.push(...(page[name] as readonly Item[]));
    continuation = page["continuation"] as string | undefined;
  } while (continuation !== undefined && items.length < wanted);
  return { items, isMore: continuation !== undefined };
}

/** For `--limit`. */
export function toCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("use a whole number from 1 on");
  return Number(text);
}

/** For people, below a list; JSON has it in `isMore`. */
export const moreNote = "There are more; --limit <count> shows more of them.";
