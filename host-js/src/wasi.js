//! The few interfaces of WASI that the components import: clocks, randomness, and sleeping on clocks.

/** Nanoseconds in a millisecond. */
const MILLISECOND = 1e6;

/**
 * @param {(milliseconds: number) => void} sleep blocks the thread
 * @param {import("./clock.js").Clock} clock
 * @param {import("./randomness.js").Randomness} randomness
 * @returns imports for the glue that jco generates
 */
export function wasi(sleep, clock, randomness) {
  const monotonic = () => clock.monotonic();

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
        if (clock.fixed) clock.pass(this.instant - now);
        else sleep(Number(this.instant - now) / MILLISECOND);
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

  return {
    "wasi:clocks/monotonic-clock": {
      now: monotonic,
      resolution: () => 1000n,
      subscribeInstant: (/** @type {bigint} */ when) => new Pollable(when),
      subscribeDuration: (/** @type {bigint} */ duration) => new Pollable(monotonic() + duration),
    },
    "wasi:clocks/wall-clock": {
      now: () => clock.wall(),
      resolution: () => ({ seconds: 0n, nanoseconds: 1000 }),
    },
    "wasi:io/poll": { Pollable, poll },
    "wasi:random/random": {
      getRandomBytes: (/** @type {bigint} */ length) => randomness.bytes(Number(length)),
      getRandomU64: () => randomness.number(),
    },
  };
}
