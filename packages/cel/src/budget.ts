// What rules that users write may cost (design.md §5.5). CEL ends always, but not soon: macros nest, texts double. So every node that is evaluated takes
// a step from a budget, and whatever takes time with the size of its operands takes more. When the budget is spent, every further step fails.
// Evaluation is synchronous, so one budget at a time is enough, and functions of the libraries find it here.

/** Steps of one write of one object: all its rules together. Some 100 ns each, so that no object holds the event loop for longer than a tenth of a second. */
export const stepsOfObject = 1_000_000;
/** Characters that one step reads, copies or compares. */
const charactersOfStep = 32;

/** Made once, without a stack: it may be thrown for each of many elements before the outermost loop ends. */
class BudgetSpent extends Error {
  override readonly name = "BudgetSpent";
}
const limit = Error.stackTraceLimit;
Error.stackTraceLimit = 0;
const spent = new BudgetSpent("the rule takes too many steps");
Error.stackTraceLimit = limit;

export interface Budget {
  stepsLeft: number;
}

let current: Budget = { stepsLeft: 0 };

/** Runs `work` on a budget. Logical operators of CEL swallow errors, so the caller looks at what is left, whatever came out. */
export function onBudget<T>(budget: Budget, work: () => T): T {
  const before = current;
  current = budget;
  try {
    return work();
  } finally {
    current = before;
  }
}

export function spend(steps: number): void {
  current.stepsLeft -= steps;
  if (current.stepsLeft < 0) throw spent;
}

/** For a function whose time grows with so many characters. */
export function spendCharacters(count: number): void {
  spend(1 + count / charactersOfStep);
}

const weights = new WeakMap<object, number>();

/** Steps that comparing or walking a value takes. Counted once for each value, and that counting is paid for as well. */
export function weightOf(value: unknown): number {
  if (typeof value === "string") return value.length / charactersOfStep;
  if (typeof value !== "object" || value === null) return 0;
  const known = weights.get(value);
  if (known !== undefined) return known;
  let weight = 1;
  if (value instanceof Uint8Array) weight += value.length / charactersOfStep;
  else if (value instanceof Map) for (const [key, child] of value) weight += 1 + weightOf(key) + weightOf(child);
  else if (Array.isArray(value)) for (const child of value) weight += 1 + weightOf(child);
  else if (!(value instanceof Date)) for (const child of Object.values(value)) weight += 1 + weightOf(child);
  weights.set(value, weight);
  spend(weight);
  return weight;
}
