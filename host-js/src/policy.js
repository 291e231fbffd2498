//! What a session may reach over the network: rules, and the decision on a request. The same rules as those of the Rust host.

import { OptionError } from "./errors.js";

/**
 * @import { AllowedHost, NetworkAccess } from "../types/index.js"
 *
 * @typedef {object} Rule
 * @property {string | undefined} scheme `undefined`: both
 * @property {"any" | "below" | "exactly"} kind
 * @property {string} host as a URL writes it
 * @property {string | undefined} port `undefined`: the scheme's own
 * @property {string} path a prefix: whole segments
 * @property {string[]} methods empty: all
 * @property {Array<[string, string]>} headers put into every request, in the place of the sandbox's own
 * @property {boolean} private whether it may lead to an address of this machine or of a private network
 */

/** Who allows hosts, for messages that the sandbox shows. */
const WHO = "allowed hosts are set by whoever made it: --allow-host, SessionBuilder::network, allowedHosts";

/** What a session says that has no network. */
export const NO_NETWORK =
  "this session has no network (it is allowed by whoever made it: --allow-host, SessionBuilder::network, allowedHosts)";

/** What a session may reach. */
export class Policy {
  /**
   * @param {readonly (string | AllowedHost)[]} allowed
   * @param {((access: NetworkAccess) => void) | undefined} audit
   */
  constructor(allowed, audit) {
    this.rules = allowed.map((one) => ruleOf(one));
    this.audit = audit;
  }

  /** The same rules in another thread. @param {Rule[]} rules @param {((access: NetworkAccess) => void) | undefined} audit */
  static of(rules, audit) {
    const policy = new Policy([], audit);
    policy.rules = rules;
    return policy;
  }

  /**
   * The rule for a request, or why there is none.
   * @param {string} method
   * @param {URL} url
   * @returns {{ rule: Rule, denied?: undefined } | { rule?: undefined, denied: string }}
   */
  decide(method, url) {
    const rule = this.rules.find((one) => fits(one, method, url));
    /** @type {string | undefined} */
    let denied;
    if (rule === undefined) {
      denied = this.rules.some((one) => reaches(one, url))
        ? `${method} ${url.hostname}${url.pathname} is not allowed by the network policy of this session`
        : `the network policy of this session does not allow ${url.hostname} (${WHO})`;
    }
    this.audit?.({ method, url: url.href, denied });
    return rule === undefined ? { denied: /** @type {string} */ (denied) } : { rule };
  }

  /**
   * Refuses an address that a name leads to.
   * @param {Rule} rule
   * @param {string} method
   * @param {URL} url
   * @param {string} address
   * @returns {string | undefined} why
   */
  refuse(rule, method, url, address) {
    if (rule.private || isPublic(address)) return undefined;
    const denied = `${url.hostname} has the address ${address}, which is of this machine or of a private network; the network policy of this session does not allow that`;
    this.audit?.({ method, url: url.href, denied });
    return denied;
  }
}

/** @param {string | AllowedHost} given @returns {Rule} */
function ruleOf(given) {
  const { host: text, methods = [], headers = {}, private: own } = typeof given === "string" ? { host: given } : given;
  const wrong = (/** @type {string} */ why) => new OptionError("allowedHosts", `${JSON.stringify(text)}: ${why}`);
  if (typeof text !== "string") throw wrong("not a string, nor an object with a host");
  const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(\[[0-9A-Fa-f:.]+\]|[^/?#@\s\\:\[\]]+)(?::(\d+))?(\/[^?#\s]*)?$/.exec(text);
  if (parts === null) throw wrong("is not [SCHEME://]HOST[:PORT][/PATH]");
  const [, scheme, name, port, path = "/"] = parts;
  if (scheme !== undefined && !/^https?$/i.test(scheme)) throw wrong("only http and https can be allowed");
  if (port !== undefined && Number(port) > 65535) throw wrong("a port is at most 65535");
  /** @type {Rule["kind"]} */
  let kind = "exactly";
  let rest = name;
  if (name === "*") kind = "any";
  else if (name.startsWith("*.")) {
    kind = "below";
    rest = name.slice(2);
  }
  if (kind !== "any" && rest.includes("*")) throw wrong("a * stands alone, or before the first dot of the host");
  let host = "";
  if (kind !== "any") {
    try {
      // As a URL writes it, so that both sides compare alike.
      host = new URL(`http://${rest}`).hostname;
    } catch {
      throw wrong("is not [SCHEME://]HOST[:PORT][/PATH]");
    }
    if (kind === "below" && isAddress(host)) throw wrong("an address has no names below it");
  }
  return {
    scheme: scheme?.toLowerCase(),
    kind,
    host,
    port: port === undefined ? undefined : String(Number(port)),
    path: new URL(`http://host${path}`).pathname,
    methods: methods.map((method) => method.toUpperCase()),
    headers: Object.entries(headers).map(([header, value]) => [header.toLowerCase(), value]),
    // Whoever names such an address means it.
    private: own ?? (kind === "exactly" && (isAddress(host) || host === "localhost" || host.endsWith(".localhost"))),
  };
}

/** @param {URL} url @returns {string} with the scheme's own put in */
export function portOf(url) {
  return url.port !== "" ? url.port : url.protocol === "https:" ? "443" : "80";
}

/** Host, port and scheme fit. @param {Rule} rule @param {URL} url */
function reaches(rule, url) {
  const hostFits = rule.kind === "any"
    || (rule.kind === "exactly" && rule.host === url.hostname)
    || (rule.kind === "below" && url.hostname.endsWith(`.${rule.host}`) && url.hostname.length > rule.host.length + 1);
  const portFits = rule.port === undefined ? url.port === "" : rule.port === portOf(url);
  return hostFits && portFits && (rule.scheme === undefined || `${rule.scheme}:` === url.protocol);
}

/** @param {Rule} rule @param {string} method @param {URL} url */
function fits(rule, method, url) {
  const path = url.pathname;
  const below = path.startsWith(rule.path) && (path.length === rule.path.length || rule.path.endsWith("/") || path[rule.path.length] === "/");
  // Servers may read these as separators, after the prefix was compared.
  const plain = rule.path === "/" || !/%2f|%5c|%2e/i.test(path);
  return reaches(rule, url) && below && plain && (rule.methods.length === 0 || rule.methods.includes(method));
}

/** @param {string} host as a URL writes it */
export function isAddress(host) {
  return host.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Whether an address lies on the public internet (IANA's special-purpose address registries, RFC 6890).
 * @param {string} address IPv4 or IPv6, without brackets
 */
export function isPublic(address) {
  if (!address.includes(":")) return isPublicV4(address.split(".").map(Number));
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const [a, b, c] = groups;
  const last = [groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255];
  const zeros = groups.slice(0, 5).every((group) => group === 0);
  // Unspecified, loopback, and addresses of IPv4 in the old form; then those of IPv4 in the present one.
  if (zeros && groups[5] === 0) return false;
  if (zeros && groups[5] === 0xffff) return isPublicV4(last);
  // Translated (RFC 6052), and into private networks (RFC 8215).
  if (a === 0x64 && b === 0xff9b) return groups.slice(2, 6).every((group) => group === 0) && isPublicV4(last);
  // The assignments of protocols (RFC 2928), documentation.
  if (a === 0x2001 && (b < 0x200 || b === 0xdb8)) return false;
  if (a === 0x3fff) return false;
  // 6to4 holds an address of IPv4 (RFC 3056).
  if (a === 0x2002) return isPublicV4([b >> 8, b & 255, c >> 8, c & 255]);
  // Only these are given out to the world (RFC 4291).
  return a >= 0x2000 && a < 0x4000;
}

/** @param {number[]} octets */
function isPublicV4(octets) {
  if (octets.length !== 4 || octets.some((octet) => !Number.isInteger(octet) || octet < 0 || octet > 255)) return false;
  const [a, b, c] = octets;
  return !(
    a === 0 || a === 10 || a === 127 || a >= 224
    || (a === 100 && b >= 64 && b < 128)
    || (a === 169 && b === 254)
    || (a === 172 && b >= 16 && b < 32)
    || (a === 192 && b === 168)
    || (a === 192 && b === 0 && (c === 0 || c === 2))
    || (a === 192 && b === 88 && c === 99)
    || (a === 198 && (b === 18 || b === 19))
    || (a === 198 && b === 51 && c === 100)
    || (a === 203 && b === 0 && c === 113)
  );
}

/** @param {string} address @returns {number[] | undefined} the eight groups of an address of IPv6 */
function groupsOf(address) {
  let text = address.replace(/%.*$/, "");
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(2).map(Number);
    text = `${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [before, after, more] = text.split("::");
  if (more !== undefined) return undefined;
  const parse = (/** @type {string} */ part) => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const head = parse(before);
  const tail = after === undefined ? [] : parse(after);
  const missing = 8 - head.length - tail.length;
  if (after === undefined ? missing !== 0 : missing < 0) return undefined;
  const groups = [...head, ...new Array(missing).fill(0), ...tail];
  return groups.every((group) => group >= 0 && group <= 0xffff) ? groups : undefined;
}
