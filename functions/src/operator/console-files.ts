/*
 * The console's files as the build put them beside the bundle: a page, and assets whose names hold the
 * hash of their contents. Only what is in the folder is ever answered; names are looked up, not resolved.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AppConfig } from "../platform/config.ts";
import { createCheckAddress } from "./check-address.ts";
import { OperatorError } from "./operator-error.ts";

export interface ConsoleFile {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface ConsoleFiles {
  /** `path`: below `/api/console/`; empty for the page itself. */
  get(path: string, from: ConsoleCaller): Promise<ConsoleFile>;
}

export interface ConsoleCaller {
  readonly acceptsGzip: boolean;
  /** Header `client-ip`. */
  readonly clientIp: string | null;
}

/** What the page is told before anybody has signed in: nothing that is secret. */
interface PageSettings {
  readonly api: string;
  readonly signIn: {
    readonly issuer: string;
    readonly authorizeUrl: string;
    readonly tokenUrl: string;
    readonly clientId: string;
    readonly scope: string;
  } | null;
  readonly simulation: Readonly<Record<string, string>> | null;
}

const contentTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

export function createConsoleFiles(folder: string, config: AppConfig): ConsoleFiles {
  let names: Promise<ReadonlySet<string>> | undefined;
  const list = (): Promise<ReadonlySet<string>> =>
    (names ??= readdir(folder).then(
      (found) => new Set(found),
      () => new Set<string>(),
    ));
  const settings = toPageSettings(config);
  const security = toSecurityHeaders(settings);
  const checkAddress = createCheckAddress(config.operator?.addresses);
  const plain = { ...security, ...fresh, "content-type": "text/plain; charset=utf-8" };
  return {
    get: async (path, { acceptsGzip, clientIp }) => {
      try {
        checkAddress(clientIp);
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        const { fix, message, status } = error;
        return { status, headers: plain, body: `${message} ${fix}` };
      }
      if (path === "settings.json") {
        const headers = { ...security, "content-type": "application/json" };
        return { status: 200, headers: { ...headers, ...fresh }, body: JSON.stringify(settings) };
      }
      const name = path === "" ? "index.html" : path;
      const known = await list();
      const extension = name.slice(name.lastIndexOf(".") + 1);
      const type = contentTypes[extension];
      if (!known.has(name) || type === undefined) {
        return { status: 404, headers: plain, body: "There is no such page." };
      }
      const isGzip = acceptsGzip && known.has(`${name}.gz`);
      const body = await readFile(join(folder, isGzip ? `${name}.gz` : name));
      return {
        status: 200,
        headers: {
          ...security,
          ...(name === "index.html" ? fresh : forEver),
          "content-type": type,
          vary: "accept-encoding",
          ...(isGzip ? { "content-encoding": "gzip" } : {}),
        },
        body,
      };
    },
  };
}

const fresh = { "cache-control": "no-cache" };
const forEver = { "cache-control": "public, max-age=31536000, immutable" };

function toPageSettings({ operator, console: page }: AppConfig): PageSettings {
  const [audience = ""] = operator?.audiences ?? [];
  const base = operator === undefined ? "" : `${operator.authority}/${operator.tenantId}`;
  const signIn =
    operator === undefined || page === undefined
      ? null
      : {
          issuer: `${base}/v2.0`,
          authorizeUrl: `${base}/oauth2/v2.0/authorize`,
          tokenUrl: `${base}/oauth2/v2.0/token`,
          clientId: page.clientId,
          scope: `${audience}/.default offline_access`,
        };
  return { api: "/api/ops/v1", signIn, simulation: page?.simulation ?? null };
}

/** Nothing from anywhere else; talking only to us, the sign-in and (locally) the simulated systems. */
function toSecurityHeaders({ signIn, simulation }: PageSettings): Readonly<Record<string, string>> {
  const others = [
    ...(signIn === null ? [] : [signIn.tokenUrl]),
    ...Object.values(simulation ?? {}),
  ].map((url) => new URL(url).origin);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...new Set(others)].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
  };
}
