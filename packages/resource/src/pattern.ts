// Regular expressions that users supply (design.md §5.5): RE2, whose time is linear in the text, and bounded in the product of text and program. JavaScript's
// own would backtrack, and one schema could stop the whole server.
import { createRequire } from "node:module";
import type { RE2JS } from "re2js";

/** Steps that all matches of one object may take together; some 50 ns each at worst. */
export const patternStepsMax = 4_000_000;
/** Instructions of one compiled pattern: bounds what compiling it costs. */
const programMax = 20_000;
/** Compiled patterns that are kept. */
const keptMax = 2_000;

export interface PatternBudget {
  stepsLeft: number;
}

const compiled = new Map<string, RE2JS>();

/** 7 ms and 2 MiB to load: only a process that meets a pattern pays for it. */
let engine: typeof RE2JS | undefined;
function loadEngine(): typeof RE2JS {
  return (engine ??= (createRequire(import.meta.url)("re2js") as typeof import("re2js")).RE2JS);
}

/** What is wrong with a pattern; undefined: nothing. */
export function patternProblem(pattern: string): string | undefined {
  try {
    compile(pattern);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Whether a part of `text` matches. Throws a RangeError when the budget is spent, a SyntaxError when the pattern is none. */
export function matchesPattern(pattern: string, text: string, budget: PatternBudget): boolean {
  const program = compile(pattern);
  budget.stepsLeft -= text.length * program.programSize() + 1;
  if (budget.stepsLeft < 0) throw new RangeError("the texts are too long for the patterns that they are matched with");
  return program.test(text);
}

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (programBound(pattern) > programMax) throw new SyntaxError("the pattern is too large");
  const program = loadEngine().compile(pattern);
  if (compiled.size >= keptMax) compiled.clear();
  compiled.set(pattern, program);
  return program;
}

/** An upper bound of the instructions that a pattern compiles to: repetitions are written out. Nothing is compiled for it. */
function programBound(pattern: string): number {
  const outer: number[] = [];
  let size = 0;
  let last = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "(") {
      outer.push(size);
      size = last = 0;
    } else if (character === ")") {
      last = size + 2;
      size = (outer.pop() ?? 0) + last;
    } else if (character === "{") {
      const repeat = /^\{(\d{1,6})(?:,(\d{0,6}))?\}/.exec(pattern.slice(at, at + 16));
      if (repeat === null) size += last = 1;
      else {
        const times = Math.max(Number(repeat[1]), Number(repeat[2] ?? 0), 1);
        size += last * 2 * times - last;
        last *= 2 * times;
        at += repeat[0].length - 1;
      }
    } else if (character === "\\") {
      at++;
      size += last = 1;
    } else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      at = end < 0 ? pattern.length : end;
      size += last = 1;
    } else size += last = 1;
  }
  return size;
}

/** Parts of `text` that match, without overlaps; `limit` below 0: all. */
export function findPattern(pattern: string, text: string, { budget, limit }: { readonly budget: PatternBudget; readonly limit: number }): string[] {
  const program = compile(pattern);
  budget.stepsLeft -= text.length * program.programSize() + 1;
  if (budget.stepsLeft < 0) throw new RangeError("the texts are too long for the patterns that they are matched with");
  const matcher = program.matcher(text);
  const found: string[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push(matcher.group() ?? "");
  return found;
}
