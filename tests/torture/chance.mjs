// Chance from a seed: the same seed draws the same.

const STEP = 0x9e3779b97f4a7c15n;

/** Splitmix64's: near numbers come far apart. */
function mix(number) {
  let mixed = BigInt.asUintN(64, number);
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
  return mixed ^ (mixed >> 31n);
}

export class Chance {
  #state;

  constructor(seed) {
    // Mixed, or a seed would draw what the seed before it draws, one later.
    this.#state = mix(BigInt(seed) + STEP);
  }

  /** From 0 to below 1. */
  #draw() {
    this.#state = BigInt.asUintN(64, this.#state + STEP);
    return Number(mix(this.#state) >> 11n) / 2 ** 53;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low, high) {
    return low + Math.floor(this.#draw() * (high - low + 1));
  }

  /** True in so many of a hundred cases. */
  percent(share) {
    return this.#draw() * 100 < share;
  }

  /** One of them. */
  pick(from) {
    return from[this.between(0, from.length - 1)];
  }

  /** All of them in another order. */
  shuffled(from) {
    const left = [...from];
    const drawn = [];
    while (left.length > 0) drawn.push(...left.splice(this.between(0, left.length - 1), 1));
    return drawn;
  }
}
