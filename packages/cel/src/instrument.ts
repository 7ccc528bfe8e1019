import { spend, spendCharacters, weightOf } from "./budget.ts";

/** The node of a parsed expression, as far as it is looked into. */
export interface CelNode {
  readonly op: string;
  args: unknown;
  readonly meta: { readonly evaluate?: Evaluate; readonly alternate?: unknown; readonly macro?: unknown };
  setMeta(key: "evaluate", value: Evaluate): unknown;
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;

/** Functions of the library that are not bounded by their operands' sizes. Ours, under these names, are. */
const replaced: Readonly<Record<string, string>> = { matches: "matchesRe2", join: "joinBounded" };
/** Functions that do not look into their operands. */
const light: ReadonlySet<string> = new Set(["size", "dyn", "type", "hasValue", "value", "orValue", "optional", "or", "first", "last"]);
const comparing: ReadonlySet<string> = new Set(["==", "!=", "in", "+", "<", "<=", ">", ">="]);
/** Functions that look for one text in another: the product of the lengths counts at worst. */
const searching: ReadonlySet<string> = new Set(["contains", "indexOf", "lastIndexOf", "split", "replace"]);
/** Comparisons of characters that take as long as a step. */
const comparisonsOfStep = 256;
/** Functions that read a number or a time from a text: no such text is long. */
const reading: ReadonlySet<string> = new Set(["duration", "timestamp", "int", "uint", "double", "bool"]);
const readableMax = 1_000;
/** A time in another zone takes so many steps. */
const zoneSteps = 500;

/**
 * Before types are checked: calls of unbounded functions become calls of bounded ones, and variables get the names under which
 * the environment has them. Says which variables are named.
 */
export function prepare(root: CelNode, variables: ReadonlyMap<string, string>): { readonly names: ReadonlySet<string> } {
  const renamed = (name: unknown): unknown => (typeof name === "string" ? (variables.get(name) ?? name) : name);
  const names = new Set<string>();
  eachNode(root, (node) => {
    if (node.op === "id" && typeof node.args === "string") {
      names.add(node.args);
      node.args = renamed(node.args);
    }
    // A macro's own variable may have such a name too.
    for (const holder of [node.args, node.meta.macro] as readonly ({ iterVarName?: unknown; var?: unknown } | undefined)[]) {
      if (holder?.iterVarName !== undefined) holder.iterVarName = renamed(holder.iterVarName);
      if (holder?.var !== undefined) holder.var = renamed(holder.var);
    }
    if (node.op !== "rcall" || !Array.isArray(node.args)) return;
    const name: unknown = node.args[0];
    if (typeof name === "string" && Object.hasOwn(replaced, name)) node.args[0] = replaced[name];
  });
  return { names };
}

/** What `has` asks for, as far as types tell: the type of a variable, and the fields from there. The library checks no more than the variable. */
export function testedPaths(root: CelNode): { readonly type: string; readonly path: readonly string[] }[] {
  const found: { type: string; path: string[] }[] = [];
  eachNode(root, ({ meta }) => {
    const props = (meta.macro as { macroHasProps?: readonly (CelNode & { checkedType?: { name?: string } })[] } | undefined)?.macroHasProps;
    const variable = props?.at(-1);
    if (props === undefined || variable?.checkedType?.name === undefined) return;
    const path = props.slice(0, -1).map(({ args }) => (Array.isArray(args) ? String(args[1]) : ""));
    found.push({ type: variable.checkedType.name, path: path.reverse() });
  });
  return found;
}

/** After types are checked: every node takes its steps from the budget when it is evaluated. */
export function instrument(root: CelNode): void {
  const duties = new Map<unknown, (value: unknown) => void>();
  eachNode(root, (node) => {
    for (const [operand, duty] of dutiesOf(node)) duties.set(operand, duty);
  });
  eachNode(root, (node) => {
    const { evaluate } = node.meta;
    if (evaluate === undefined) return;
    const duty = duties.get(node);
    const steps = ownSteps(node);
    const makesList = node.op === "call" || node.op === "rcall";
    node.setMeta("evaluate", (evaluator, self, context) => {
      spend(steps);
      const value = evaluate(evaluator, self, context);
      if (makesList && Array.isArray(value)) spend(value.length / 4);
      duty?.(value);
      return value;
    });
  });
}

function ownSteps(node: CelNode): number {
  const call = callOf(node);
  return call !== undefined && call.name.startsWith("get") && call.operands.length > 1 ? zoneSteps : 1;
}

/** What each operand of a node costs when its value is known, before the node works on it. */
function dutiesOf(node: CelNode): readonly (readonly [operand: unknown, duty: (value: unknown) => void])[] {
  if (comparing.has(node.op) && Array.isArray(node.args)) return (node.args as unknown[]).map((operand) => [operand, (value) => spend(weightOf(value))]);
  const call = callOf(node);
  if (call === undefined) return [];
  const { name, operands } = call;
  if (light.has(name)) return operands.map((operand) => [operand, weighText]);
  if (reading.has(name)) return operands.map((operand) => [operand, refuseLong]);
  if (!searching.has(name)) return operands.map((operand) => [operand, (value) => spend(weightOf(value))]);
  let product = 1;
  return operands.map((operand, index) => [
    operand,
    (value) => {
      weighText(value);
      product = (index === 0 ? 1 : product) * (typeof value === "string" ? Math.max(1, value.length) : 1);
      if (index > 0) spend(product / comparisonsOfStep);
    },
  ]);
}

function weighText(value: unknown): void {
  if (typeof value === "string") spendCharacters(value.length);
}

function refuseLong(value: unknown): void {
  if (typeof value === "string" && value.length > readableMax) throw new RangeError("the text is too long to be a number or a time");
}

/** A function call with its receiver first; undefined for other nodes, and for macros, which are made of other nodes. */
function callOf(node: CelNode): { readonly name: string; readonly operands: readonly unknown[] } | undefined {
  if ((node.op !== "call" && node.op !== "rcall") || node.meta.alternate !== undefined || node.meta.macro !== undefined || !Array.isArray(node.args))
    return undefined;
  const [name, ...operands] = node.args as unknown[];
  return typeof name === "string" ? { name, operands: operands.flat() } : undefined;
}

function eachNode(root: unknown, visit: (node: CelNode) => void): void {
  const seen = new Set<unknown>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (Array.isArray(value)) pending.push(...(value as unknown[]));
    else if (isNode(value)) {
      visit(value);
      pending.push(value.args, value.meta.alternate, value.meta.macro);
    } else if (Object.getPrototypeOf(value) === Object.prototype) pending.push(...Object.values(value));
    // Other objects are contexts and types, in which no node is found that is not found without them.
  }
}

function isNode(value: object): value is CelNode {
  return typeof (value as Partial<CelNode>).op === "string" && typeof (value as Partial<CelNode>).setMeta === "function";
}
