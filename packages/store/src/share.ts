export interface ShareLimits {
  /** Inputs of one run. */
  readonly groupMax: number;
  /** When so many wait, another run begins beside those under way. Default: never. */
  readonly manyWaiting?: number;
}

/** Runs under way at once, at most. */
const underWayMax = 4;

/**
 * Calls of one turn of the loop share a run, and who comes while one is under way shares the next: the more calls there are, the less each costs.
 * `run` answers by position, and begins after every call that it is for.
 */
export function share<Input, Output>(limits: ShareLimits, run: (inputs: readonly Input[]) => Promise<readonly Output[]>): (input: Input) => Promise<Output> {
  interface Waiter {
    readonly input: Input;
    readonly resolve: (output: Output) => void;
    readonly reject: (error: Error) => void;
  }
  let waiting: Waiter[] = [];
  let underWay = 0;
  let scheduled = false;

  function mayBegin(): boolean {
    if (waiting.length === 0) return false;
    return underWay === 0 || (underWay < underWayMax && waiting.length >= (limits.manyWaiting ?? Number.POSITIVE_INFINITY));
  }

  function schedule(): void {
    if (scheduled || !mayBegin()) return;
    scheduled = true;
    setImmediate(begin);
  }

  function begin(): void {
    scheduled = false;
    while (mayBegin()) {
      const group = waiting.slice(0, limits.groupMax);
      waiting = waiting.slice(group.length);
      underWay++;
      void settle(group).finally(() => {
        underWay--;
        schedule();
      });
    }
  }

  async function settle(group: readonly Waiter[]): Promise<void> {
    try {
      const outputs = await run(group.map((waiter) => waiter.input));
      group.forEach((waiter, index) => waiter.resolve(outputs[index] as Output)); // there is one for each
    } catch (error) {
      for (const waiter of group) waiter.reject(error as Error);
    }
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting.push({ input, resolve, reject });
      schedule();
    });
}
