//! The clocks of a session: those of the host, or one that makes every run the same.

/** Nanoseconds in a millisecond. */
const MILLISECOND = 1e6;

/** Nanoseconds since 1970 when this thread's monotonic clock was at 0. */
const ORIGIN = BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;

export class Clock {
  /** Nanoseconds: the present instant, and what it moves on by at each reading. @type {{ began: bigint, now: bigint, step: bigint } | undefined} */
  #fixed = undefined;

  /** Whether time passes only as it is read and slept. */
  get fixed() {
    return this.#fixed !== undefined;
  }

  /** @param {number} start milliseconds since 1970 @param {number} step milliseconds */
  fix(start, step) {
    const now = BigInt(Math.round(start)) * 1_000_000n;
    this.#fixed = { began: now, now, step: BigInt(Math.round(step * MILLISECOND)) };
  }

  /** Where time is fixed, lets it pass. @param {bigint} duration nanoseconds */
  pass(duration) {
    if (this.#fixed !== undefined) this.#fixed.now += duration;
  }

  /** @returns {bigint} nanoseconds */
  monotonic() {
    if (this.#fixed === undefined) return BigInt(Math.round(performance.now() * MILLISECOND));
    this.#fixed.now += this.#fixed.step;
    return this.#fixed.now - this.#fixed.began;
  }

  /** Since 1970. */
  wall() {
    if (this.#fixed !== undefined) {
      this.#fixed.now += this.#fixed.step;
      return { seconds: this.#fixed.now / 1_000_000_000n, nanoseconds: Number(this.#fixed.now % 1_000_000_000n) };
    }
    // In whole nanoseconds, so that both clocks tell the same of a duration.
    const now = ORIGIN + BigInt(Math.round(performance.now() * MILLISECOND));
    return { seconds: now / 1_000_000_000n, nanoseconds: Number(now % 1_000_000_000n) };
  }
}
