// Plain JavaScript, because it is preloaded (`node --import`) into processes that have no TypeScript loader.
//
// Nothing on a developer's machine or in CI may talk to anything but loopback, and telemetry SDKs do so by
// default. This refuses every other connection and look-up below all clients (http, https, fetch, gRPC, SDKs):
// at net.Socket, dgram and dns. What was refused is kept on globalThis, where connect-guard.ts reads it, and
// appended to the file that CAUSEWAY_REFUSED_CONNECTIONS names, so that a parent process can read it too.

import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";

const stateKey = Symbol.for("causeway.connect-guard");
const maxListed = 1000; // enough to see who calls home; a retry loop must not fill the memory

if (globalThis[stateKey] === undefined) install();

function install() {
  const refused = [];
  globalThis[stateKey] = refused;
  guardTcp(refused);
  guardUdp(refused);
  guardDns(refused);
  // Named imports of built-in modules (import { lookup } from "node:dns") follow only after this.
  syncBuiltinESMExports();
}

function guardTcp(refused) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function guardedConnect(...args) {
    const target = toTcpTarget(args);
    if (target === undefined || isLoopback(target.host)) return connect.apply(this, args);
    const error = refuse(refused, "tcp", target.host, target.port);
    // As a network failure would come: later, through the socket's error event.
    process.nextTick(() => this.destroy(error));
    return this;
  };
}

/** undefined for a local socket (a path). Node's own callers pass one array of normalized arguments. */
function toTcpTarget(args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === "object" && first !== null) {
    return first.path ? undefined : { host: first.host ?? "localhost", port: first.port };
  }
  if (typeof first === "string" && Number.isNaN(Number(first))) return undefined;
  return { host: typeof second === "string" ? second : "localhost", port: first };
}

function guardUdp(refused) {
  const { send, connect } = dgram.Socket.prototype;
  dgram.Socket.prototype.send = function guardedSend(...args) {
    const callback = args.find((arg) => typeof arg === "function");
    // (msg, port, address) or (msg, offset, length, port, address); no address means loopback or connected.
    const address = args.slice(1).find((arg) => typeof arg === "string");
    if (address === undefined || isLoopback(address)) return send.apply(this, args);
    const error = refuse(refused, "udp", address, undefined);
    process.nextTick(() => (callback ? callback(error) : this.emit("error", error)));
    return undefined;
  };
  dgram.Socket.prototype.connect = function guardedUdpConnect(...args) {
    const address = args.find((arg) => typeof arg === "string");
    if (address === undefined || isLoopback(address)) return connect.apply(this, args);
    const error = refuse(refused, "udp", address, args[0]);
    const callback = args.find((arg) => typeof arg === "function");
    process.nextTick(() => (callback ? callback(error) : this.emit("error", error)));
    return undefined;
  };
}

function guardDns(refused) {
  const isQuery = (name) => name === "lookup" || name === "reverse" || /^resolve/.test(name);
  for (const target of [dns, dns.Resolver.prototype]) {
    for (const name of Object.getOwnPropertyNames(target).filter(isQuery)) {
      const query = target[name];
      target[name] = function guardedQuery(host, ...rest) {
        if (isLoopback(host)) return query.call(this, host, ...rest);
        const error = refuse(refused, "dns", host, undefined);
        const callback = rest.at(-1);
        if (typeof callback !== "function") throw error;
        process.nextTick(() => callback(error));
        return undefined;
      };
    }
  }
  for (const target of [dns.promises, dns.promises.Resolver.prototype]) {
    for (const name of Object.getOwnPropertyNames(target).filter(isQuery)) {
      const query = target[name];
      target[name] = function guardedQuery(host, ...rest) {
        if (isLoopback(host)) return query.call(this, host, ...rest);
        return Promise.reject(refuse(refused, "dns", host, undefined));
      };
    }
  }
}

function refuse(refused, kind, host, port) {
  const target = port === undefined ? host : `${host}:${port}`;
  const connection = { kind, host, ...(port !== undefined && { port: Number(port) }) };
  if (refused.length < maxListed) {
    refused.push(connection);
    const file = process.env.CAUSEWAY_REFUSED_CONNECTIONS;
    if (file) appendFileSync(file, `${JSON.stringify({ pid: process.pid, ...connection })}\n`);
  }
  return Object.assign(
    new Error(`the connect guard refused ${kind} to ${target}: only loopback may be reached`),
    { code: "ECONNREFUSED", hostname: host, ...(kind === "dns" && { syscall: "getaddrinfo" }) },
  );
}

function isLoopback(host) {
  // Anything but a name is for Node itself to refuse; no host means localhost.
  if (typeof host !== "string" || host === "") return true;
  const name = host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (net.isIPv4(name)) return name.startsWith("127.") || name === "0.0.0.0";
  if (net.isIPv6(name)) return name === "::1" || name === "::" || name.startsWith("::ffff:127.");
  return false;
}
