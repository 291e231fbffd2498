//! The randomness of a session: the host's, or numbers that a seed determines.

/** What `crypto.getRandomValues` gives in one call (Web Cryptography API). */
const LIMIT = 65536;

const MASK = (1n << 64n) - 1n;

export class Randomness {
  /** @type {bigint | undefined} */
  #state = undefined;

  /** @param {bigint} seed */
  fix(seed) {
    this.#state = seed & MASK;
  }

  /** SplitMix64 (Steele, Lea, Flood 2014). @param {bigint} state @returns {bigint} */
  #next(state) {
    this.#state = (state + 0x9e3779b97f4a7c15n) & MASK;
    let mixed = this.#state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return mixed ^ (mixed >> 31n);
  }

  /** @returns {bigint} 64 bits */
  number() {
    return this.#state === undefined ? crypto.getRandomValues(new BigUint64Array(1))[0] : this.#next(this.#state);
  }

  /** @param {number} length */
  bytes(length) {
    const bytes = new Uint8Array(length);
    if (this.#state === undefined) {
      for (let at = 0; at < length; at += LIMIT) crypto.getRandomValues(bytes.subarray(at, at + LIMIT));
      return bytes;
    }
    for (let at = 0; at < length; at += 8) {
      let number = this.number();
      for (let index = at; index < Math.min(at + 8, length); index += 1, number >>= 8n) bytes[index] = Number(number & 255n);
    }
    return bytes;
  }
}
