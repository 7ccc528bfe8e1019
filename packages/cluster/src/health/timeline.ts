/**
 * The one moment at which an object is looked at. Rules ask it whether a limit has been reached; it remembers the
 * nearest limit that has not, so that the caller knows when to look again although nothing changes.
 */
export class Timeline {
  readonly now: number;
  #next: number | undefined;

  /** `now` in ms since the epoch. */
  constructor(now: number) {
    this.now = now;
  }

  /** True from `at` (ms since the epoch) on. */
  reached(at: number): boolean {
    if (this.now >= at) return true;
    if (this.#next === undefined || at < this.#next) this.#next = at;
    return false;
  }

  /** The nearest future moment that a rule asked about. */
  get next(): number | undefined {
    return this.#next;
  }
}
