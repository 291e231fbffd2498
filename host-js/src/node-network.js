//! HTTP for Node: finds the addresses of a host, has them checked, and connects to what was checked.

import { lookup } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { isAddress, portOf } from "./policy.js";

/** @import { Hop, Response } from "./network.js" */

/** Bytes that the head of a response may have. */
const HEAD_BYTES = 256 << 10;

/** @param {Hop} hop @returns {Promise<Response>} */
export async function send(hop) {
  const { url, check } = hop;
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isAddress(url.hostname) ? [name] : (await lookup(name, { all: true })).map(({ address }) => address);
  // All of them, before the first is tried: whoever answers for the name must not choose which.
  for (const address of addresses) check(address);
  let failed;
  for (const address of addresses) {
    try {
      return await request(hop, name, address);
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (code !== "ECONNREFUSED" && code !== "ENETUNREACH" && code !== "EHOSTUNREACH" && code !== "EADDRNOTAVAIL") throw error;
      failed = error;
    }
  }
  throw failed ?? Object.assign(new Error("no address"), { code: "ENOTFOUND" });
}

/** @param {Hop} hop @param {string} name @param {string} address @returns {Promise<Response>} */
function request({ method, url, headers, body, signal }, name, address) {
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    /** @type {Record<string, string>} */
    const fields = { host: url.host };
    for (const [field, value] of headers) fields[field] = value;
    if (body.length > 0 || method === "POST" || method === "PUT" || method === "PATCH") fields["content-length"] = String(body.length);
    const options = {
      method,
      host: address,
      port: portOf(url),
      path: `${url.pathname}${url.search}`,
      headers: fields,
      setHost: false,
      agent: false,
      signal,
      maxHeaderSize: HEAD_BYTES,
      // The certificate is that of the name, whatever its address.
      ...(secure && !isAddress(url.hostname) ? { servername: name } : {}),
    };
    const sent = (secure ? https : http).request(options);
    sent.on("error", reject);
    sent.on("response", (response) => {
      /** @type {Array<[string, string]>} */
      const received = [];
      for (let at = 0; at < response.rawHeaders.length; at += 2) received.push([response.rawHeaders[at], response.rawHeaders[at + 1]]);
      resolve({ status: response.statusCode ?? 0, headers: received, body: response });
    });
    // The connection is to be for HTTP alone.
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      reject(new Error("the server wants another protocol"));
    });
    sent.end(body);
  });
}
