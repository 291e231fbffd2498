//! HTTP exchanges of a thread that nothing reaches while a program waits: synchronous requests, as workers of browsers have them.

import { ExchangeError, NO_HOOK, checkAddress, decide, headersOf, plain, reasonOf, urlOf } from "./network.js";
import { NO_NETWORK, Policy } from "./policy.js";

/**
 * @import { NetworkAccess } from "../types/index.js"
 * @import { ThreadNetwork } from "./protocol.js"
 * @import { Answer, HttpRequest } from "./wit.js"
 */

/** Bytes of a body in one answer. */
const PIECE = 65536;

const encoder = new TextEncoder();

/**
 * Carries out an exchange before it returns.
 * @param {ThreadNetwork} network
 * @param {HttpRequest} request
 * @param {(access: NetworkAccess) => void} audit
 * @returns {Answer[]}
 */
export function exchangeNow(network, request, audit) {
  try {
    return [...exchange(network, request, audit), { tag: "ended", val: { tag: "ok" } }];
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    return [{ tag: "ended", val: { tag: "err", val: late ? { tag: "timed-out" } : reasonOf(error, request.url) } }];
  }
}

/**
 * @param {ThreadNetwork} network
 * @param {HttpRequest} request
 * @param {(access: NetworkAccess) => void} audit
 * @returns {Answer[]}
 */
function exchange({ rules, hook, audited, bodyLimit, timeoutMs }, request, audit) {
  if (hook) throw new ExchangeError({ tag: "denied", val: NO_HOOK });
  if (rules === undefined) throw new ExchangeError({ tag: "denied", val: NO_NETWORK });
  const policy = Policy.of(rules, audited ? audit : undefined);
  const url = urlOf(request.url);
  const method = request.method.toUpperCase();
  const rule = decide(policy, method, url);
  checkAddress(policy, rule, method, url);
  if (url.origin === globalThis.location?.origin) {
    const val = `${url.origin} is where this page comes from: a request that a program waits for would show its cookies there (curl does not)`;
    throw new ExchangeError({ tag: "denied", val });
  }
  const sender = new XMLHttpRequest();
  sender.open(method, plain(url), false);
  sender.responseType = "arraybuffer";
  sender.timeout = Math.min(timeoutMs, request.timeoutMs ?? Infinity, 2 ** 31 - 1);
  const headers = headersOf(request, true);
  for (const [name, value] of rule?.headers ?? []) headers.set(name, value);
  for (const [name, value] of headers) sender.setRequestHeader(name, value);
  sender.send(request.body.length > 0 && method !== "GET" && method !== "HEAD" ? /** @type {any} */ (request.body) : null);
  // Not every browser throws.
  if (sender.status === 0) throw new TypeError("NetworkError: there was no answer, or its server does not let this page see it");
  const end = sender.responseURL === "" ? url : urlOf(sender.responseURL);
  // The environment follows redirects by itself: where it came to is all that can be checked.
  if (end.href !== plain(url).href) decide(policy, "GET", end);
  const body = new Uint8Array(sender.response ?? new ArrayBuffer(0));
  if (body.length > bodyLimit) throw new ExchangeError({ tag: "too-large", val: BigInt(bodyLimit) });
  const lines = sender.getAllResponseHeaders().split("\r\n").filter((line) => line.includes(":"));
  const fields = lines.map((line) => /** @type {[string, string]} */ ([line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  // What was decoded is not encoded any more, nor of that length.
  const encoded = fields.some(([name]) => name === "content-encoding");
  const told = fields.filter(([name]) => !encoded || (name !== "content-encoding" && name !== "content-length"));
  /** @type {Answer[]} */
  const answers = [{ tag: "head", val: { status: sender.status, url: end.href, headers: told.map(([name, value]) => ({ name, value: encoder.encode(value) })) } }];
  for (let at = 0; at < body.length; at += PIECE) answers.push({ tag: "body", val: body.slice(at, at + PIECE) });
  return answers;
}
