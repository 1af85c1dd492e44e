// Preloaded into Azurite: answers the plain requests to its table service by itself: one row read or written, or a
// transaction, with a token that Azurite has accepted before. Azurite takes a request through a dozen layers and each
// write of a transaction through most of them again. Whatever is out of the ordinary, refusals included, goes Azurite's
// own way with nothing changed by then; rows and their form are Azurite's.
import { IncomingMessage } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const fromAzurite = createRequire(require.resolve("azurite/package.json"));
const { default: Listeners } = fromAzurite("./dist/src/table/TableRequestListenerFactory.js");
const { createRequestListener } = Listeners.prototype;

const minimal = "application/json;odata=minimalmetadata";
const maxBodyBytes = 4 * 1024 * 1024;
const maxTextLength = 32 * 1024;
const maxBase64Length = Math.floor((64 * 1024 * 4) / 3);
const maxRowLength = 1024 * 1024;
const forbiddenInKeys = /[\u0000-\u001f\u007f-\u009f/\\#?]/;
const keysPattern = /^\/?([^/(]+)\(PartitionKey='((?:[^']|'')*)',RowKey='((?:[^']|'')*)'\)$/;

Listeners.prototype.createRequestListener = function () {
  const app = createRequestListener.call(this);
  const tokens = new Tokens();
  const store = this.metadataStore;
  return (request, response) => {
    if (!tokens.isKnown(request)) {
      tokens.learn(request, response);
      app(request, response);
      return;
    }
    readWhole(request, (body) => {
      const answer = answerPlain(store, request, body);
      if (answer === undefined) {
        app(toUnread(request, body), response);
        return;
      }
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  };
};

/** Azurite looks at a token; we remember until its end that it was content. */
class Tokens {
  #ends = new Map();

  isKnown({ headers, socket }) {
    const end = this.#ends.get(headers.authorization);
    return end !== undefined && socket.encrypted === true && Date.now() < end;
  }

  learn({ headers }, response) {
    const text = headers.authorization;
    if (text?.startsWith("Bearer ") !== true) return;
    response.once("finish", () => {
      if (response.statusCode >= 300) return;
      const [, payload = ""] = text.split(".");
      const { exp } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
      // A token of an hour is known for an hour; the map holds as many as were asked with.
      this.#ends.set(text, exp * 1_000);
    });
  }
}

function readWhole(request, done) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
}

/** The same request with its body still to be read. */
function toUnread(request, body) {
  const copy = new IncomingMessage(request.socket);
  const { method, url, headers, rawHeaders, httpVersion } = request;
  // A message that ends incomplete takes its connection with it.
  Object.assign(copy, { method, url, headers, rawHeaders, httpVersion, complete: true });
  copy.push(body);
  copy.push(null);
  return copy;
}

function answerPlain(store, request, body) {
  if (body.byteLength > maxBodyBytes) return undefined;
  const [, account, rest] = /^\/([^/?]+)\/([^?]+)$/.exec(request.url) ?? [];
  if (rest === undefined) return undefined;
  try {
    if (rest === "$batch") return answerTransaction(store, account, request, body);
    if (request.method === "GET") return answerRead(store, account, rest, request);
    const operation = { method: request.method, path: rest, headers: request.headers };
    const planned = plan(store, account, { ...operation, text: body.toString("utf8") });
    if (planned === undefined) return undefined;
    apply(planned);
    return { status: 204, headers: { ...commonHeaders(request), ...toWritten(planned) } };
  } catch {
    // A table that is not there, JSON that is none: Azurite has the words for it.
    return undefined;
  }
}

function answerRead(store, account, path, { headers }) {
  const [, table, partitionKey, rowKey] = keysPattern.exec(path) ?? [];
  if (table === undefined || headers.accept !== minimal) return undefined;
  const keys = { PartitionKey: toKey(partitionKey), RowKey: toKey(rowKey) };
  const row = store.getEntityCollection(account, table).findOne(keys);
  if (row === null) return undefined;
  const place = `https://${headers.host}/${account}/$metadata#${table}/@Element`;
  const entity = { "odata.metadata": place, "odata.etag": row.eTag };
  for (const [name, value] of Object.entries(row.properties)) {
    if (name !== "Timestamp@odata.type") entity[name] = value;
  }
  return {
    status: 200,
    headers: { ...commonHeaders({ headers }), "content-type": minimal, etag: row.eTag },
    body: JSON.stringify(entity),
  };
}

function answerTransaction(store, account, request, body) {
  const [, batch] = /boundary=batch_([\w-]+)/.exec(request.headers["content-type"] ?? "") ?? [];
  const text = body.toString("utf8");
  const [, changeset] = /boundary=changeset_([\w-]+)/.exec(text) ?? [];
  if (batch === undefined || changeset === undefined) return undefined;
  const parts = text.split(`--changeset_${changeset}`).slice(1, -1);
  if (parts.length === 0 || parts.length > 100) return undefined;
  const planned = [];
  const rows = new Set();
  for (const part of parts) {
    const operation = readPart(account, part);
    const one = operation && plan(store, account, operation);
    if (one === undefined || rows.has(one.row.RowKey)) return undefined;
    const [first = one] = planned;
    if (one.rows !== first.rows || one.row.PartitionKey !== first.row.PartitionKey)
      return undefined;
    rows.add(one.row.RowKey);
    planned.push(one);
  }
  const answers = planned.map((one) => {
    apply(one);
    return toPartAnswer(changeset, one);
  });
  return {
    status: 202,
    headers: {
      ...commonHeaders(request),
      "content-type": `multipart/mixed; boundary=batchresponse_${batch}`,
    },
    body: `--batchresponse_${batch}\r\nContent-Type: multipart/mixed; boundary=changesetresponse_${changeset}\r\n\r\n${answers.join("")}--changesetresponse_${changeset}--\r\n--batchresponse_${batch}--\r\n`,
  };
}

/** An operation's line, headers and JSON out of a part of a transaction. */
function readPart(account, part) {
  const line = /\r?\n(POST|PUT|PATCH|DELETE) https?:\/\/[^/]+\/([^/]+)\/(\S+) HTTP\/1\.1\r?\n/.exec(
    part,
  );
  if (line === null || line[2] !== account) return undefined;
  const rest = part.slice(line.index + line[0].length);
  const end = /\r?\n\r?\n/.exec(rest);
  if (end === null) return undefined;
  const headers = {};
  for (const header of rest.slice(0, end.index).split(/\r?\n/)) {
    const colon = header.indexOf(":");
    headers[header.slice(0, colon).toLowerCase()] = header.slice(colon + 1).trim();
  }
  return { method: line[1], path: line[3], headers, text: rest.slice(end.index).trim() };
}

/** What a write will do; undefined when it will not simply be done. */
function plan(store, account, { method, path, headers, text }) {
  const isInsert = method === "POST";
  const [, table = isInsert ? path : undefined, partition, key] = keysPattern.exec(path) ?? [];
  if (table === undefined || !/^[A-Za-z][A-Za-z0-9]{2,62}$/.test(table) || table === "Tables")
    return undefined;
  const rows = store.getEntityCollection(account, table);
  const ifMatch = headers["if-match"];
  if (method === "DELETE") {
    const keys = { PartitionKey: toKey(partition), RowKey: toKey(key) };
    const before = rows.findOne(keys);
    return isMatch(before, ifMatch) ? { kind: "delete", rows, row: before } : undefined;
  }
  const entity = toEntity(text);
  if (entity === undefined) return undefined;
  const row = toRow(entity);
  const before = rows.findOne(row);
  if (isInsert) {
    const isSimple = before === null && headers.prefer === "return-no-content";
    return isSimple ? { kind: "insert", rows, row } : undefined;
  }
  if (row.PartitionKey !== toKey(partition) || row.RowKey !== toKey(key)) return undefined;
  const isUpsert = method === "PUT" && ifMatch === undefined;
  if (!isUpsert && !isMatch(before, ifMatch)) return undefined;
  if (method === "PATCH") merge(before, row);
  else if (method !== "PUT") return undefined;
  return { kind: "put", rows, row };
}

function isMatch(before, ifMatch) {
  return before !== null && (ifMatch === "*" || ifMatch === before.eTag);
}

/** JSON of plain values within the service's limits, and nothing else. */
function toEntity(text) {
  const entity = JSON.parse(text);
  if (text.length > maxRowLength || !isKey(entity.PartitionKey) || !isKey(entity.RowKey))
    return undefined;
  for (const [name, value] of Object.entries(entity)) {
    if (name.endsWith("@odata.type") ? value !== "Edm.Binary" : name.includes("odata."))
      return undefined;
    const isBinary = entity[`${name}@odata.type`] !== undefined;
    if (!isPlain(value, isBinary)) return undefined;
  }
  return entity;
}

function isPlain(value, isBinary) {
  if (typeof value === "string")
    return value.length <= (isBinary ? maxBase64Length : maxTextLength);
  if (isBinary) return false;
  return typeof value === "boolean" || (Number.isInteger(value) && Math.abs(value) < 2 ** 31);
}

function isKey(key) {
  return typeof key === "string" && key.length <= 512 && !forbiddenInKeys.test(key);
}

let count = 0;

/** In the form in which Azurite keeps a row. */
function toRow(entity) {
  const { PartitionKey, RowKey } = entity;
  count = (count + 1) % 10_000;
  const now = new Date().toISOString();
  const lastModifiedTime = `${now.slice(0, -1)}${String(count).padStart(4, "0")}Z`;
  const eTag = `W/"datetime'${encodeURIComponent(lastModifiedTime)}'"`;
  const properties = {
    ...entity,
    Timestamp: lastModifiedTime,
    "Timestamp@odata.type": "Edm.DateTime",
  };
  return { PartitionKey, RowKey, properties, lastModifiedTime, eTag };
}

function merge(before, row) {
  const merged = { ...before.properties };
  for (const [name, value] of Object.entries(row.properties)) {
    if (name.endsWith("@odata.type")) continue;
    merged[name] = value;
    const type = row.properties[`${name}@odata.type`];
    if (type === undefined) delete merged[`${name}@odata.type`];
    else merged[`${name}@odata.type`] = type;
  }
  row.properties = merged;
}

function apply({ kind, rows, row }) {
  if (kind === "delete") rows.remove(row);
  else rows.insert(row);
}

function toKey(text = "") {
  return decodeURIComponent(text).replaceAll("''", "'");
}

function commonHeaders({ headers }) {
  const id = headers["x-ms-client-request-id"];
  return {
    "x-ms-version": "2024-08-04",
    "x-content-type-options": "nosniff",
    ...(id === undefined ? {} : { "x-ms-client-request-id": id }),
  };
}

function toWritten({ kind, row }) {
  return {
    ...(kind === "delete" ? {} : { etag: row.eTag }),
    ...(kind === "insert" ? { "preference-applied": "return-no-content" } : {}),
  };
}

function toPartAnswer(changeset, { kind, row }) {
  const etag = kind === "delete" ? "" : `ETag: ${row.eTag}\r\n`;
  return `--changesetresponse_${changeset}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 204 No Content\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nDataServiceVersion: 1.0;\r\n${etag}\r\n\r\n`;
}
