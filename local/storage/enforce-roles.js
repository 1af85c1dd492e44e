// Loaded before Azurite, which checks that a token is there and not what its holder may do. Told by the parent
// who holds a data role, at the account or at one of its containers and tables
// (`{ holders: { <port>: { account: [<object id>, …], within: { <name>: […] } } } }`), it takes the token of everybody
// else away before Azurite sees the request, which then refuses it with 403. Until it is told, all may do all.
import { subscribe } from "node:diagnostics_channel";

let holders;
const holderOf = new Map();
const told = new Set();

subscribe("http.server.request.start", ({ request, socket }) => {
  const allowed = holders?.[socket.localPort];
  const { authorization } = request.headers;
  if (allowed === undefined || !authorization?.startsWith("Bearer ")) return;
  const holder = toHolder(authorization);
  const name = toName(request.url);
  tell(socket.localPort, holder, name);
  if (allowed.account.includes(holder) || allowed.within[name]?.includes(holder)) return;
  delete request.headers.authorization;
});

process.on("message", (message) => {
  if (message?.holders === undefined) return;
  holders = message.holders;
  told.clear();
});

/** Once of each who comes for each name. */
function tell(port, principalId, name) {
  const use = `${port} ${principalId} ${name}`;
  if (told.has(use)) return;
  told.add(use);
  process.send?.({ asked: { port, principalId, name } });
}

/** `/account/container/…`, `/account/table(…)`; empty for what is the account's: lists, and transactions by their address. */
function toName(url) {
  const [, , name = ""] = url.split(/[?(]/, 1)[0].split("/");
  return name === "Tables" || name.startsWith("$") ? "" : name.toLowerCase();
}

/** The token's `oid`; Azurite itself looks at the rest of it. */
function toHolder(authorization) {
  let holder = holderOf.get(authorization);
  if (holder !== undefined) return holder;
  try {
    const [, payload = ""] = authorization.split(".");
    holder = String(
      JSON.parse(Buffer.from(payload, "base64url").toString("utf8")).oid,
    ).toLowerCase();
  } catch {
    holder = "";
  }
  if (holderOf.size > 100) holderOf.clear();
  holderOf.set(authorization, holder);
  return holder;
}
