/*
 * Signing in by authorization code with PKCE:
 *
 *   signed out ──beginSignIn──► at Entra ──back with a code──► signed in ──token expires──► refreshed,
 *        ▲                                                          │        or signed out
 *        └──────────────── signOut, refused (401) ──────────────────┘
 *
 * Tokens stay in this tab's session storage. Where the person was comes back with them; what they typed
 * is kept by `useDraft`, so nothing is lost on the way.
 */
import * as oauth from "oauth4webapi";
import { settings } from "./settings.ts";

interface Session {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Epoch ms. */
  readonly expiresAt: number;
}

interface Departure {
  readonly verifier: string;
  readonly state: string;
  readonly place: string;
}

const sessionKey = "causeway.session";
const departureKey = "causeway.departure";
/** A token that ends within a request is no good any more. */
const marginMs = 30_000;
const listeners = new Set<() => void>();
let refreshing: Promise<string | undefined> | undefined;

export function isSignedIn(): boolean {
  return read(sessionKey) !== undefined;
}

export function onSignInChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function signOut(): void {
  sessionStorage.removeItem(sessionKey);
  for (const listener of listeners) listener();
}

/** Leaves the page; comes back to the same place. */
export async function beginSignIn(): Promise<void> {
  const { signIn } = settings();
  if (signIn === null) return;
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const departure: Departure = { verifier, state, place: location.hash };
  sessionStorage.setItem(departureKey, JSON.stringify(departure));
  const url = new URL(signIn.authorizeUrl);
  url.search = new URLSearchParams({
    client_id: signIn.clientId,
    response_type: "code",
    redirect_uri: redirectUri(),
    scope: signIn.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }).toString();
  location.assign(url);
}

/** On the way back from Entra: takes the code, and puts the address right. A sentence when it failed. */
export async function finishSignIn(): Promise<string | undefined> {
  const url = new URL(location.href);
  if (!url.searchParams.has("code") && !url.searchParams.has("error")) return undefined;
  const departure = read(departureKey) as Departure | undefined;
  sessionStorage.removeItem(departureKey);
  history.replaceState(null, "", `${url.pathname}${departure?.place ?? ""}`);
  if (departure === undefined) return "That sign-in was begun in another tab. Sign in here.";
  if (url.searchParams.get("error") === "access_denied") return "You did not sign in.";
  try {
    const { server, client, insecure } = provider();
    const answer = oauth.validateAuthResponse(server, client, url, departure.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      answer,
      redirectUri(),
      departure.verifier,
      insecure,
    );
    keep(await oauth.processAuthorizationCodeResponse(server, client, response));
    return undefined;
  } catch {
    return "The sign-in did not work. Try again; if it stays so, show this to whoever set Causeway up.";
  }
}

/** A token that is good for a request; undefined when the person has to sign in. */
export async function takeToken(): Promise<string | undefined> {
  const session = read(sessionKey) as Session | undefined;
  if (session === undefined) return undefined;
  if (session.expiresAt - marginMs > Date.now()) return session.accessToken;
  // Requests of one page share one refresh: a refresh token works once.
  refreshing ??= refresh(session).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

async function refresh({ refreshToken }: Session): Promise<string | undefined> {
  if (refreshToken !== undefined) {
    try {
      const { server, client, insecure } = provider();
      const response = await oauth.refreshTokenGrantRequest(
        server,
        client,
        oauth.None(),
        refreshToken,
        insecure,
      );
      return keep(await oauth.processRefreshTokenResponse(server, client, response)).accessToken;
    } catch {
      // Used, revoked or a day old: the person signs in.
    }
  }
  signOut();
  return undefined;
}

function provider(): {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly insecure: oauth.TokenEndpointRequestOptions;
} {
  const { signIn } = settings();
  if (signIn === null) throw new Error("the console is not set up");
  return {
    server: {
      issuer: signIn.issuer,
      authorization_endpoint: signIn.authorizeUrl,
      token_endpoint: signIn.tokenUrl,
    },
    client: { client_id: signIn.clientId },
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out; on this machine only
    insecure: { [oauth.allowInsecureRequests]: signIn.tokenUrl.startsWith("http://127.0.0.1") },
  };
}

function keep(answer: oauth.TokenEndpointResponse): Session {
  const session: Session = {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: Date.now() + (answer.expires_in ?? 300) * 1_000,
  };
  sessionStorage.setItem(sessionKey, JSON.stringify(session));
  for (const listener of listeners) listener();
  return session;
}

function redirectUri(): string {
  return `${location.origin}/api/console`;
}

function read(key: string): unknown {
  const text = sessionStorage.getItem(key);
  return text === null ? undefined : JSON.parse(text);
}
