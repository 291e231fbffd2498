//! The clocks of a session: those of the host, or one that makes every run the same.

/** Nanoseconds in a millisecond. */
const MILLISECOND = 1e6;

/** Nanoseconds that this clock goes on between two ticks of the host's, and from where on that would be too much. */
const STEP = 1000n;
const AHEAD = 900_000n;

/** Nanoseconds since 1970 when this thread's monotonic clock was at 0. */
const ORIGIN = BigInt(Math.round(performance.timeOrigin * 1000)) * 1000n;

export class Clock {
  /** Nanoseconds: the present instant, and what it moves on by at each reading. @type {{ began: bigint, now: bigint, step: bigint } | undefined} */
  #fixed = undefined;

  /** What was read last. */
  #last = 0n;

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
    if (this.#fixed === undefined) return this.#now();
    this.#fixed.now += this.#fixed.step;
    return this.#fixed.now - this.#fixed.began;
  }

  /**
   * The host's monotonic clock. Browsers let it tick in milliseconds: between two ticks this one goes on a little at each reading, so that who sleeps
   * sees more than that time pass, whatever is rounded.
   */
  #now() {
    const now = BigInt(Math.round(performance.now() * MILLISECOND));
    this.#last = now > this.#last ? now : this.#last + (this.#last - now < AHEAD ? STEP : 1n);
    return this.#last;
  }

  /** Since 1970. */
  wall() {
    if (this.#fixed !== undefined) {
      this.#fixed.now += this.#fixed.step;
      return { seconds: this.#fixed.now / 1_000_000_000n, nanoseconds: Number(this.#fixed.now % 1_000_000_000n) };
    }
    // In whole nanoseconds, so that both clocks tell the same of a duration.
    const now = ORIGIN + this.#now();
    return { seconds: now / 1_000_000_000n, nanoseconds: Number(now % 1_000_000_000n) };
  }
}
