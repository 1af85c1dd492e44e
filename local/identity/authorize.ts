/*
 * Entra's sign-in for people, authorization code with PKCE, for one public client (the console):
 *
 *   GET authorize ──page with three people──► POST authorize ──302 with a code──► POST token ──► tokens
 *
 * A code works once and for five minutes, for the redirect and challenge that it was asked with; a
 * refresh token is replaced by its use. Redirects go to loopback only, and only to the console.
 */
import { createHash, randomBytes } from "node:crypto";
import { toDirectoryId } from "./directory.ts";
import { toOAuthError } from "./oauth-error.ts";
import type { TokenIssuer } from "./token-issuer.ts";

interface Person {
  readonly name: string;
  readonly role: string;
  readonly may: string;
}

const people: readonly Person[] = [
  { name: "rita@causeway.example", role: "Reader", may: "sees everything, names masked" },
  { name: "omar@causeway.example", role: "Operator", may: "replays, discards, pauses" },
  { name: "ada@causeway.example", role: "Approver", may: "also approves edits" },
];

interface Grant {
  readonly person: Person;
  readonly clientId: string;
  readonly audience: string;
}

interface Code extends Grant {
  readonly redirectUri: string;
  readonly challenge: string;
  readonly expiresAt: number;
}

export interface SignIn {
  /** The page, or the way back with a code once a person was picked. */
  authorize(request: Request): Promise<Response>;
  /** Grants `authorization_code` and `refresh_token`. */
  exchange(form: URLSearchParams): Promise<Response>;
}

const codeMs = 5 * 60_000;
const openIdScopes = ["openid", "profile", "offline_access", "email"];

export function createSignIn(tokens: TokenIssuer, now: () => number): SignIn {
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, Grant>();
  return {
    authorize: async (request) => {
      const asked = new URL(request.url).searchParams;
      const problem = findProblem(asked);
      // Never back to an address that was not registered: said here.
      if (problem !== undefined) return toPage(`<h1>No sign-in</h1><p>${toHtml(problem)}</p>`, 400);
      if (request.method !== "POST") return toPage(toChooser(asked), 200);
      const form = new URLSearchParams(await request.text());
      const person = people.find(({ role }) => role === form.get("role"));
      const code = randomBytes(24).toString("base64url");
      const back = new URL(asked.get("redirect_uri") ?? "");
      back.searchParams.set("state", asked.get("state") ?? "");
      if (person === undefined) {
        back.searchParams.set("error", "access_denied");
      } else {
        codes.set(code, { ...toCode(asked), person, expiresAt: now() + codeMs });
        back.searchParams.set("code", code);
      }
      return new Response(null, { status: 302, headers: { location: back.href } });
    },
    exchange: async (form) => {
      const grant = takeGrant(form, { codes, refreshTokens, now: now() });
      if (grant === undefined) {
        const text = "The code or refresh token is not valid, was used already or has expired.";
        return toOAuthError(70008, text, now());
      }
      const { person, clientId, audience } = grant;
      const issued = await tokens.issueToken({
        principalId: toDirectoryId("principal", person.name),
        clientId,
        audience,
        appRoles: [person.role],
        personName: person.name,
      });
      const refresh = randomBytes(24).toString("base64url");
      refreshTokens.set(refresh, grant);
      return Response.json({
        token_type: "Bearer",
        scope: `${audience}/.default`,
        expires_in: Math.max(0, Math.floor((issued.expiresAt - now()) / 1_000)),
        access_token: issued.token,
        refresh_token: refresh,
      });
    },
  };
}

function findProblem(asked: URLSearchParams): string | undefined {
  if (asked.get("client_id") !== toDirectoryId("client", "console")) {
    return "client_id is not an application of this tenant that people sign in to.";
  }
  if (!isRegisteredRedirect(asked.get("redirect_uri") ?? "")) {
    return "redirect_uri is not registered: only the console on this machine is.";
  }
  if (asked.get("response_type") !== "code") return "response_type must be code.";
  if (asked.get("code_challenge_method") !== "S256" || asked.get("code_challenge") === null) {
    return "A code challenge (S256) is required from a single-page application.";
  }
  return toAudience(asked) === undefined ? "scope names no application." : undefined;
}

function isRegisteredRedirect(text: string): boolean {
  try {
    const { hostname, pathname, protocol } = new URL(text);
    const isLoopback = ["127.0.0.1", "localhost"].includes(hostname);
    return isLoopback && /^https?:$/.test(protocol) && pathname === "/api/console";
  } catch {
    return false;
  }
}

function toAudience(asked: URLSearchParams): string | undefined {
  const scopes = (asked.get("scope") ?? "").split(" ");
  const scope = scopes.find((each) => each !== "" && !openIdScopes.includes(each));
  return scope === undefined ? undefined : scope.slice(0, scope.lastIndexOf("/"));
}

function toCode(asked: URLSearchParams): Omit<Code, "person" | "expiresAt"> {
  return {
    clientId: asked.get("client_id") ?? "",
    audience: toAudience(asked) ?? "",
    redirectUri: asked.get("redirect_uri") ?? "",
    challenge: asked.get("code_challenge") ?? "",
  };
}

function takeGrant(
  form: URLSearchParams,
  on: {
    readonly codes: Map<string, Code>;
    readonly refreshTokens: Map<string, Grant>;
    readonly now: number;
  },
): Grant | undefined {
  const refreshToken = form.get("refresh_token") ?? "";
  if (form.get("grant_type") === "refresh_token") {
    const grant = on.refreshTokens.get(refreshToken);
    on.refreshTokens.delete(refreshToken);
    return grant;
  }
  const text = form.get("code") ?? "";
  const code = on.codes.get(text);
  on.codes.delete(text);
  const verifier = createHash("sha256").update(form.get("code_verifier") ?? "");
  const isSame =
    code?.challenge === verifier.digest("base64url") &&
    code.redirectUri === form.get("redirect_uri") &&
    code.clientId === form.get("client_id");
  return isSame && code.expiresAt > on.now ? code : undefined;
}

function toChooser(asked: URLSearchParams): string {
  const action = `?${toHtml(asked.toString())}`;
  const buttons = people.map(
    ({ name, role, may }) =>
      `<button name="role" value="${role}"><b>${role}</b><span>${name}</span><small>${may}</small></button>`,
  );
  return `<h1>Who are you today?</h1><p>The local Azure has three people. In Azure this is your company's own sign-in.</p>
<form method="post" action="${action}">${buttons.join("")}<button name="role" value="" class="none">Not now</button></form>`;
}

function toPage(body: string, status: number): Response {
  const style = `:root{color-scheme:light dark}body{font:15px/1.5 "Segoe UI",system-ui,sans-serif;max-width:26rem;margin:12vh auto;padding:0 1rem}
h1{font-size:1.25rem;font-weight:600}form{display:grid;gap:.5rem}button{font:inherit;text-align:left;display:grid;padding:.6rem .8rem;border:1px solid #8a9099;border-radius:6px;background:transparent;color:inherit;cursor:pointer}
button:hover,button:focus-visible{border-color:#1f6feb;outline:2px solid #1f6feb}.none{border-style:dashed}`;
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in to the local Azure</title><style>${style}</style><main>${body}</main></html>`,
    {
      status,
      headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
    },
  );
}

function toHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
