// Loaded before Azurite, which checks that a token is there and not what its holder may do. Told by the parent
// who holds a data role (`{ holders: { <port>: [<object id>, …] } }`), it takes the token of everybody else
// away before Azurite sees the request, which then refuses it with 403. Until it is told, all may do all.
import { subscribe } from "node:diagnostics_channel";

let holders;
const holderOf = new Map();
const told = new Set();

subscribe("http.server.request.start", ({ request, socket }) => {
  const allowed = holders?.[socket.localPort];
  const { authorization } = request.headers;
  if (allowed === undefined || !authorization?.startsWith("Bearer ")) return;
  const holder = toHolder(authorization);
  if (!allowed.includes(holder)) {
    delete request.headers.authorization;
    return;
  }
  const use = `${socket.localPort} ${holder}`;
  if (told.has(use)) return;
  told.add(use);
  process.send?.({ used: { port: socket.localPort, principalId: holder } });
});

process.on("message", (message) => {
  if (message?.holders === undefined) return;
  holders = message.holders;
  told.clear();
});

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
