//! HTTP exchanges of a session: each is carried out under its policy, and its answer goes to the thread piece by piece.

import { isAddress, NO_NETWORK } from "./policy.js";

/**
 * @import { FetchHook } from "../types/index.js"
 * @import { Policy, Rule } from "./policy.js"
 * @import { Answer, FetchError, HttpRequest } from "./wit.js"
 *
 * A request to one address, redirects not followed.
 * @typedef {object} Hop
 * @property {string} method
 * @property {URL} url
 * @property {Headers} headers
 * @property {Uint8Array} body
 * @property {AbortSignal} signal
 * @property {(address: string) => void} check throws if the policy refuses to connect there
 *
 * @typedef {{ status: number, url?: string, headers: Iterable<[string, string]>, body: AsyncIterable<Uint8Array> | null }} Response
 * @typedef {(hop: Hop) => Promise<Response>} Send
 *
 * @typedef {object} NetworkOptions
 * @property {Policy | undefined} policy `undefined`: only the hook decides
 * @property {Send | undefined} send `undefined`: no network
 * @property {number} bodyLimit bytes of a response's body
 * @property {number} timeoutMs for a whole exchange
 * @property {boolean} follows whether `send` follows redirects, since the environment does not show them
 */

/** Bytes of a body that are sent on at once. */
const PIECE = 65536;
/** Pieces that are on their way, at most. */
const AHEAD = 4;

/** Headers that belong to a connection, or say where it leads: whoever holds the connection writes them. */
const OWN = new Set([
  "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization", "expect", "keep-alive",
]);

/** What a program is told that waits where only the caller's own function makes requests. */
export const NO_HOOK =
  "here, requests are made by a function of whoever made this session, and nothing reaches it while a program waits (curl can use it; so can programs with allowedHosts in its place)";

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** Ends an exchange. */
export class ExchangeError extends Error {
  /** @param {FetchError} reason */
  constructor(reason) {
    super(reason.tag);
    this.reason = reason;
  }
}

/** The exchanges of one session. */
export class Exchanges {
  /** @type {Map<string, { abort: AbortController, taken: () => void }>} */
  #open = new Map();

  /**
   * @param {NetworkOptions} options
   * @param {(run: number, request: number, answer: Answer) => void} answer
   */
  constructor(options, answer) {
    this.options = options;
    this.answer = answer;
  }

  /** @param {number} run @param {number} id @param {HttpRequest} request */
  async begin(run, id, request) {
    const key = `${run} ${id}`;
    const abort = new AbortController();
    let ahead = 0;
    /** @type {(() => void) | undefined} */
    let room;
    this.#open.set(key, {
      abort,
      taken: () => {
        ahead -= 1;
        room?.();
      },
    });
    abort.signal.addEventListener("abort", () => room?.());
    const tell = (/** @type {Answer} */ answer) => {
      if (this.#open.has(key)) this.answer(run, id, answer);
    };
    const piece = async (/** @type {Uint8Array} */ bytes) => {
      while (ahead >= AHEAD && !abort.signal.aborted) await new Promise((resolve) => (room = () => resolve(undefined)));
      abort.signal.throwIfAborted();
      ahead += 1;
      tell({ tag: "body", val: bytes });
    };
    /** @type {Answer} */
    let end = { tag: "ended", val: { tag: "ok" } };
    const time = Math.min(this.options.timeoutMs, request.timeoutMs ?? Infinity);
    let late = false;
    const timer = time === Infinity ? undefined : setTimeout(() => {
      late = true;
      abort.abort();
    }, Math.min(time, 2 ** 31 - 1));
    try {
      await exchange(this.options, request, abort.signal, tell, piece);
    } catch (error) {
      end = { tag: "ended", val: { tag: "err", val: late ? { tag: "timed-out" } : reasonOf(error, request.url) } };
    }
    clearTimeout(timer);
    tell(end);
    this.#open.delete(key);
    abort.abort();
  }

  /** @param {number} run @param {number} id */
  taken(run, id) {
    this.#open.get(`${run} ${id}`)?.taken();
  }

  /** @param {number} run @param {number} id */
  cancel(run, id) {
    const key = `${run} ${id}`;
    const open = this.#open.get(key);
    this.#open.delete(key);
    open?.abort.abort();
  }

  clear() {
    for (const { abort } of this.#open.values()) abort.abort();
    this.#open.clear();
  }
}

/**
 * @param {NetworkOptions} options
 * @param {HttpRequest} request
 * @param {AbortSignal} signal
 * @param {(answer: Answer) => void} tell
 * @param {(bytes: Uint8Array) => Promise<void>} piece
 */
async function exchange({ policy, send, bodyLimit, follows }, request, signal, tell, piece) {
  if (send === undefined) throw new ExchangeError({ tag: "denied", val: NO_NETWORK });
  let url = urlOf(request.url);
  let method = request.method.toUpperCase();
  let headers = headersOf(request, follows);
  let { body } = request;
  for (let redirect = 0; ; redirect += 1) {
    const rule = decide(policy, method, url);
    const sent = new Headers(headers);
    for (const [name, value] of rule?.headers ?? []) sent.set(name, value);
    const here = plain(url);
    const check = checkAddress(policy, rule, method, url);
    const response = await send({ method, url: here, headers: sent, body, signal, check });
    let target;
    if (follows) {
      // Where the environment follows redirects by itself, where it came to is all that can be checked.
      const end = response.url ? urlOf(response.url) : here;
      if (end.href !== here.href) decide(policy, "GET", end);
      url = end;
    } else {
      target = request.redirects > 0 ? locationOf(response, url) : undefined;
    }
    if (target === undefined) {
      await receive(response, method, url, bodyLimit, signal, tell, piece);
      return;
    }
    await discard(response);
    if (redirect >= request.redirects) throw new ExchangeError({ tag: "too-many-redirects", val: request.redirects });
    // RFC 9110, 15.4: the method stays but for what browsers, and curl, have always changed.
    const changes = response.status === 303 ? method !== "GET" && method !== "HEAD" : (response.status === 301 || response.status === 302) && method === "POST";
    headers = new Headers(headers);
    if (changes) {
      method = "GET";
      body = new Uint8Array();
      headers.delete("content-type");
      headers.delete("content-encoding");
    }
    if (target.origin !== url.origin) {
      // What is meant for one is not told to another.
      headers.delete("authorization");
      headers.delete("cookie");
    }
    url = target;
  }
}

/** @param {Policy | undefined} policy @param {string} method @param {URL} url @returns {Rule | undefined} */
export function decide(policy, method, url) {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ExchangeError({ tag: "protocol", val: `Protocol "${url.protocol.slice(0, -1)}" not supported` });
  }
  if (policy === undefined) return undefined;
  const { rule, denied } = policy.decide(method, url);
  if (rule === undefined) throw new ExchangeError({ tag: "denied", val: denied });
  return rule;
}

/**
 * Refuses, now, what a name that is an address leads to.
 * @param {Policy | undefined} policy
 * @param {Rule | undefined} rule
 * @param {string} method
 * @param {URL} url
 * @returns {(address: string) => void} refuses what another name leads to
 */
export function checkAddress(policy, rule, method, url) {
  const check = (/** @type {string} */ address) => {
    const denied = rule === undefined ? undefined : policy?.refuse(rule, method, url, address);
    if (denied !== undefined) throw new ExchangeError({ tag: "denied", val: denied });
  };
  // Not every `send` knows where a name leads to; these are known without asking.
  if (isAddress(url.hostname)) check(url.hostname.replace(/^\[|\]$/g, ""));
  else if (/^(.*\.)?localhost$/.test(url.hostname)) check("127.0.0.1");
  return check;
}

/** @param {Response} response @param {URL} from @returns {URL | undefined} where a redirect leads */
function locationOf(response, from) {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  for (const [name, value] of response.headers) {
    if (name.toLowerCase() === "location") return urlOf(value, from);
  }
  return undefined;
}

/**
 * @param {Response} response
 * @param {string} method
 * @param {URL} url
 * @param {number} limit
 * @param {AbortSignal} signal
 * @param {(answer: Answer) => void} tell
 * @param {(bytes: Uint8Array) => Promise<void>} piece
 */
async function receive(response, method, url, limit, signal, tell, piece) {
  const headers = [...response.headers].map(([name, value]) => ({ name, value: Uint8Array.from(value, (char) => char.charCodeAt(0)) }));
  const length = [...response.headers].find(([name]) => name.toLowerCase() === "content-length")?.[1];
  if (method !== "HEAD" && length !== undefined && Number(length) > limit) {
    await discard(response);
    throw new ExchangeError({ tag: "too-large", val: BigInt(limit) });
  }
  tell({ tag: "head", val: { status: response.status, url: url.href, headers } });
  let all = 0;
  for await (const bytes of response.body ?? []) {
    signal.throwIfAborted();
    all += bytes.length;
    if (all > limit) throw new ExchangeError({ tag: "too-large", val: BigInt(limit) });
    for (let at = 0; at < bytes.length; at += PIECE) await piece(bytes.slice(at, at + PIECE));
  }
}

/** @param {Response} response whose body nobody reads */
async function discard({ body }) {
  if (body === null) return;
  await body[Symbol.asyncIterator]().return?.();
}

/** @param {string} text @param {URL} [base] */
export function urlOf(text, base) {
  try {
    return new URL(text, base);
  } catch {
    throw new ExchangeError({ tag: "protocol", val: `${JSON.stringify(text)} is no URL` });
  }
}

/** @param {URL} url @returns {URL} as it is sent: without credentials and fragment */
export function plain(url) {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  copy.hash = "";
  return copy;
}

/**
 * @param {HttpRequest} request
 * @param {boolean} browser it says itself who it is. Chromium takes no other `User-Agent`; others ask a foreign server's leave first, which most do
 *   not give, so that no request of curl's would come through.
 */
export function headersOf(request, browser) {
  const headers = new Headers();
  for (const { name, value } of request.headers) {
    if (OWN.has(name.toLowerCase()) || (browser && name.toLowerCase() === "user-agent")) continue;
    try {
      headers.append(name, decoder.decode(value));
    } catch {
      throw new ExchangeError({ tag: "protocol", val: `${JSON.stringify(name)} is no header, or its value is none` });
    }
  }
  return headers;
}

/** @param {unknown} error @param {string} url @returns {FetchError} */
export function reasonOf(error, url) {
  if (error instanceof ExchangeError) return error.reason;
  const { code, message = String(error), cause } = /** @type {any} */ (error ?? {});
  const why = code ?? cause?.code;
  if (why === "ENOTFOUND" || why === "EAI_AGAIN" || why === "EAI_NODATA") return { tag: "unknown-host", val: hostOf(url) };
  if (why === "ECONNREFUSED") return { tag: "refused" };
  if (why === "ETIMEDOUT") return { tag: "timed-out" };
  if (typeof why === "string" && /CERT|TLS|SSL|SELF_SIGNED|ALTNAME|EPROTO|VERIFY/.test(why)) return { tag: "tls", val: cause?.message ?? message };
  return { tag: "protocol", val: cause?.message ?? message };
}

/** @param {string} url */
function hostOf(url) {
  try {
    return new URL(url).hostname;
  } catch {
    return url;
  }
}

/**
 * Sends by a function like `fetch`, the caller's or the environment's.
 * @param {FetchHook} fetch
 * @param {RequestRedirect} redirect `follow` where the environment does not show redirects
 * @returns {Send}
 */
export function sendByFetch(fetch, redirect) {
  return async ({ method, url, headers, body, signal }) => {
    const has = body.length > 0 && method !== "GET" && method !== "HEAD";
    const response = await fetch(url.href, { method, headers, body: has ? /** @type {any} */ (body) : undefined, signal, redirect });
    return {
      status: response.status,
      url: response.url,
      headers: unencoded(response.headers),
      body: response.body === null ? null : chunks(response.body),
    };
  };
}

/** What `fetch` has decoded is not encoded any more, nor of that length. @param {Headers} headers @returns {Array<[string, string]>} */
function unencoded(headers) {
  const encoded = headers.has("content-encoding");
  return [...headers].filter(([name]) => !encoded || (name !== "content-encoding" && name !== "content-length"));
}

/** Not every engine has streams that can be iterated over. @param {ReadableStream<Uint8Array | string>} stream */
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield typeof value === "string" ? encoder.encode(value) : value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
