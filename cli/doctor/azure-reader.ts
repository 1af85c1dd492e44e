import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import type { Http } from "../../functions/src/platform/http.ts";
import type { GetToken } from "../../functions/src/platform/token.ts";

export type AzureReaderErrorCode = "AZURE_NOT_READABLE";

type Row = Readonly<Record<string, unknown>>;

/** Reads Azure Resource Manager and Application Insights; writes nothing. */
export interface AzureReader {
  get(resourceId: string, apiVersion: string): Promise<Row>;
  /** All pages of a collection. */
  list(path: string, apiVersion: string, expand?: string): Promise<readonly Row[]>;
  /** Asks an address of the stack's own, without a token. */
  ask(url: string): Promise<{ readonly status: number; readonly body: string }>;
  /** Rows by column. */
  query(componentId: string, query: string): Promise<readonly Row[]>;
}

const ARM = "https://management.azure.com";
const MAX_PAGES = 20;
/** An app that scaled to zero takes its time. */
const ASK_LIMIT_MS = 60_000;

export function createAzureReader(http: Http, getToken: GetToken): AzureReader {
  const ask = async (url: string, body?: object): Promise<Row> => {
    const response = await http({
      method: body === undefined ? "GET" : "POST",
      url,
      headers: {
        authorization: `Bearer ${await getToken(ARM)}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status >= 300) throw refused(url, response.status);
    return JSON.parse(response.body) as Row;
  };
  return {
    get: (resourceId, apiVersion) => ask(`${ARM}${resourceId}?api-version=${apiVersion}`),
    list: async (path, apiVersion, expand) => {
      const found: Row[] = [];
      const more = expand === undefined ? "" : `&$expand=${expand}`;
      let next: unknown = `${ARM}${path}?api-version=${apiVersion}${more}`;
      for (let page = 0; typeof next === "string" && page < MAX_PAGES; page += 1) {
        const answer = await ask(next);
        found.push(...((answer["value"] ?? []) as readonly Row[]));
        next = answer["nextLink"];
      }
      return found;
    },
    ask: createAsk(http),
    query: async (componentId, query) => {
      // Over Resource Manager, so that one token does for everything.
      const answer = await ask(`${ARM}${componentId}/query?api-version=2018-04-20`, { query });
      return toRows(answer);
    },
  };
}

export function createAsk(http: Http): AzureReader["ask"] {
  return (url) => http({ method: "GET", url, timeoutMs: ASK_LIMIT_MS });
}

interface Table {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

function toRows(answer: Row): readonly Row[] {
  const [table] = (answer["tables"] ?? []) as readonly Table[];
  if (table === undefined) return [];
  return table.rows.map((row) =>
    Object.fromEntries(table.columns.map(({ name }, index) => [name, row[index]])),
  );
}

function refused(url: string, status: number): CausewayError<AzureReaderErrorCode> {
  const { pathname } = new URL(url);
  return new CausewayError<AzureReaderErrorCode>(
    "AZURE_NOT_READABLE",
    `Azure answered ${status} for ${pathname}.`,
    { fate: "permanent", ids: { status } },
  );
}
