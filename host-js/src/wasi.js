//! The few interfaces of WASI that the components import: clocks, randomness, and sleeping on clocks.

/** Nanoseconds in a millisecond. */
const MILLISECOND = 1e6;

/** What `crypto.getRandomValues` gives in one call (Web Cryptography API). */
const RANDOM_LIMIT = 65536;

/**
 * @param {(milliseconds: number) => void} sleep blocks the thread
 * @returns imports for the glue that jco generates
 */
export function wasi(sleep) {
  const monotonic = () => BigInt(Math.round(performance.now() * MILLISECOND));

  /** Ready from an instant of the monotonic clock on. */
  class Pollable {
    /** @param {bigint} instant */
    constructor(instant) {
      this.instant = instant;
    }

    ready() {
      return monotonic() >= this.instant;
    }

    block() {
      for (let now = monotonic(); now < this.instant; now = monotonic()) {
        sleep(Number(this.instant - now) / MILLISECOND);
      }
    }
  }

  /** @param {Pollable[]} pollables */
  const poll = (pollables) => {
    if (pollables.length === 0) throw new TypeError("poll: an empty list");
    const first = pollables.reduce((earliest, next) => (next.instant < earliest.instant ? next : earliest));
    first.block();
    return Uint32Array.from(pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : [])));
  };

  const now = () => {
    const milliseconds = performance.timeOrigin + performance.now();
    const seconds = Math.floor(milliseconds / 1000);
    return { seconds: BigInt(seconds), nanoseconds: Math.floor((milliseconds - seconds * 1000) * MILLISECOND) };
  };

  /** @param {bigint} length */
  const getRandomBytes = (length) => {
    const bytes = new Uint8Array(Number(length));
    for (let at = 0; at < bytes.length; at += RANDOM_LIMIT) {
      crypto.getRandomValues(bytes.subarray(at, at + RANDOM_LIMIT));
    }
    return bytes;
  };

  return {
    "wasi:clocks/monotonic-clock": {
      now: monotonic,
      resolution: () => 1000n,
      subscribeInstant: (/** @type {bigint} */ when) => new Pollable(when),
      subscribeDuration: (/** @type {bigint} */ duration) => new Pollable(monotonic() + duration),
    },
    "wasi:clocks/wall-clock": {
      now,
      resolution: () => ({ seconds: 0n, nanoseconds: 1000 }),
    },
    "wasi:io/poll": { Pollable, poll },
    "wasi:random/random": {
      getRandomBytes,
      getRandomU64: () => crypto.getRandomValues(new BigUint64Array(1))[0],
    },
  };
}
