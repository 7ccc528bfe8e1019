// Rules of schemas (`x-kubernetes-validations`): compiled once for each schema, evaluated on a budget.
import {
  celEqual,
  instrument,
  newEnvironment,
  onBudget,
  optionalOf,
  parseDuration,
  prepare,
  stepsOfObject,
  testedPaths,
  type Budget,
  type CelEnvironment,
  type CelNode,
} from "@threeport/cel";
import { deepEqual, isJsonObject, ownValue, type ErrorCause, type JsonObject, type Schema } from "@threeport/resource";
import { invalidCause, requiredCause, unsupportedCause } from "../crd/causes.ts";
import { celType, type CelType, type TypeContext } from "./cel-type.ts";

/** A rule as it is written. */
export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** All rules of a schema. */
export interface RuleSet {
  /** What is wrong with rules, at the paths where they stand. */
  readonly problems: readonly ErrorCause[];
  /** What objects do not keep. `old` is undefined on create. */
  check(object: JsonObject, old: JsonObject | undefined): ErrorCause[];
}

/** Rules of one version, and characters of all of them: bounds what compiling costs. */
const rulesMax = 1_000;
const charactersMax = 500_000;
const messageLengthMax = 2_048;
const reasons = ["FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate", "FieldValueRequired"];

interface CompiledRule {
  readonly source: Rule;
  readonly transition: boolean;
  readonly evaluate: (variables: object) => unknown;
  readonly message: ((variables: object) => unknown) | undefined;
}

/** The part of a schema that has rules in it. */
interface RuleNode {
  readonly type: string;
  readonly rules: readonly CompiledRule[];
  readonly self: PlaceOfRules | undefined;
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  /** Fields that tell the elements of a list apart; undefined: elements have no identity. */
  readonly keys: readonly string[] | undefined;
}

/** Whether there is any rule in a schema. Cheap: most schemas have none. */
export function hasRules(schema: Schema): boolean {
  if (Array.isArray(schema["x-kubernetes-validations"]) && schema["x-kubernetes-validations"].length > 0) return true;
  return (
    Object.values(schema.properties ?? {}).some(hasRules) ||
    (schema.items !== undefined && hasRules(schema.items)) ||
    (typeof schema.additionalProperties === "object" && hasRules(schema.additionalProperties))
  );
}

/** Compiles all rules of a schema. `at` is its path, for problems. */
export function compileRules(schema: Schema, at: string): RuleSet {
  const types: TypeContext = { environment: newEnvironment(), parseDuration, equal: celEqual, known: new Map(), fields: new Map() };
  const compiler: Compiler = { problems: [], rules: 0, characters: 0, types, environment: types.environment, places: new Map() };
  try {
    declareTypes(schema, compiler, true);
  } catch (error) {
    if (error instanceof TypeError || error instanceof ReferenceError) throw error; // a fault of ours, not of the schema
    return { problems: [{ field: at, reason: "FieldValueForbidden", message: `Forbidden: ${readable(error)}` }], check: () => [] };
  }
  const root = nodeOf(schema, { at, correlated: true, root: true }, compiler);
  return {
    problems: compiler.problems,
    check(object, old) {
      if (root === undefined) return [];
      const run: Run = { causes: [], budget: { stepsLeft: stepsOfObject } };
      checkNode(root, { value: object, old, at: "" }, run);
      return run.causes;
    },
  };
}

/** All types that rules look at, and the variables of each place that has rules: one environment serves all of a version. */
function declareTypes(schema: Schema, compiler: Compiler, root: boolean): void {
  if (!hasRules(schema)) return;
  if (Array.isArray(schema["x-kubernetes-validations"]) && schema["x-kubernetes-validations"].length > 0)
    declareVariables(schema, celType(root ? withIdentity(schema) : schema, "self", compiler.types), compiler);
  for (const child of Object.values(schema.properties ?? {})) declareTypes(child, compiler, false);
  if (schema.items !== undefined) declareTypes(schema.items, compiler, false);
  if (typeof schema.additionalProperties === "object") declareTypes(schema.additionalProperties, compiler, false);
}

function declareVariables(schema: Schema, type: CelType, { environment, places }: Compiler): void {
  const number = places.size;
  places.set(schema, { type, number });
  environment.registerVariable(`self_${number}`, type.name);
  environment.registerVariable(`oldSelf_${number}`, type.name);
  environment.registerVariable(`optionalOldSelf_${number}`, `optional<${type.name}>`);
}

/** Under which names the environment has the variables of a place. */
function variablesAt(number: number, optional: boolean): ReadonlyMap<string, string> {
  return new Map([
    ["self", `self_${number}`],
    ["oldSelf", `${optional ? "optionalOldSelf" : "oldSelf"}_${number}`],
  ]);
}

/** A place of a schema that has rules: the type of its values, and by which number the environment has its variables. */
interface PlaceOfRules {
  readonly type: CelType;
  readonly number: number;
}

interface Compiler {
  readonly types: TypeContext;
  readonly environment: CelEnvironment;
  readonly places: Map<Schema, PlaceOfRules>;
  readonly problems: ErrorCause[];
  rules: number;
  characters: number;
}

interface Place {
  readonly at: string;
  /** An old value can be found for each value here. */
  readonly correlated: boolean;
  readonly root: boolean;
}

function nodeOf(schema: Schema, place: Place, compiler: Compiler): RuleNode | undefined {
  if (!hasRules(schema)) return undefined;
  const { at } = place;
  const properties = new Map<string, RuleNode>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const node = nodeOf(child, { at: `${at}.properties[${name}]`, correlated: place.correlated, root: false }, compiler);
    if (node !== undefined) properties.set(name, node);
  }
  const keys = schema["x-kubernetes-list-type"] === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : undefined;
  const inner = (child: Schema | undefined, word: string, correlated: boolean) =>
    child === undefined ? undefined : nodeOf(child, { at: `${at}.${word}`, correlated: place.correlated && correlated, root: false }, compiler);
  const additional = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const own = (schema["x-kubernetes-validations"] ?? []) as readonly Rule[];
  const compiled = own.length === 0 ? undefined : compileOwn(schema, own, place, compiler);
  return {
    type: schema.type ?? "object",
    rules: compiled?.rules ?? [],
    self: compiled?.self,
    properties,
    additional: inner(additional, "additionalProperties", true),
    items: inner(schema.items, "items", keys !== undefined),
    keys,
  };
}

function compileOwn(schema: Schema, own: readonly Rule[], place: Place, compiler: Compiler): { rules: CompiledRule[]; self: PlaceOfRules } | undefined {
  const { problems } = compiler;
  compiler.rules += own.length;
  compiler.characters += own.reduce((sum, rule) => sum + rule.rule.length + (rule.messageExpression?.length ?? 0), 0);
  const field = `${place.at}.x-kubernetes-validations`;
  if (compiler.rules > rulesMax || compiler.characters > charactersMax) {
    problems.push({
      field,
      reason: "FieldValueForbidden",
      message: `Forbidden: a version may have at most ${rulesMax} rules of ${charactersMax} characters together`,
    });
    return undefined;
  }
  const { environment, places } = compiler;
  const { fields } = compiler.types;
  const self = places.get(schema);
  if (self === undefined) return undefined;
  const rules = own.flatMap((source, index) => {
    const before = problems.length;
    const here = `${field}[${index}]`;
    problems.push(...formCauses(source, schema, here));
    if (problems.length > before) return [];
    const variables = variablesAt(self.number, source.optionalOldSelf === true);
    const rule = compile(environment, source.rule, { wanted: "bool", field: `${here}.rule`, fields, variables }, problems);
    const message =
      source.messageExpression === undefined
        ? undefined
        : compile(environment, source.messageExpression, { wanted: "string", field: `${here}.messageExpression`, fields, variables }, problems);
    if (rule === undefined) return [];
    const transition = rule.names.has("oldSelf") || message?.names.has("oldSelf") === true;
    if (transition && !place.correlated)
      problems.push(
        invalidCause(`${here}.rule`, source.rule, "oldSelf cannot be used on the uncorrelatable portion of the schema: below a list whose type is not map"),
      );
    if (!transition && source.optionalOldSelf === true)
      problems.push(invalidCause(`${here}.optionalOldSelf`, true, "must not be set if oldSelf is not used in the rule"));
    return problems.length > before ? [] : [{ source, transition, evaluate: rule.evaluate, message: message?.evaluate }];
  });
  return { rules, self };
}

/** Of its own metadata an object's rules see the name. */
function withIdentity(schema: Schema): Schema {
  const metadata: Schema = { type: "object", properties: { name: { type: "string" }, generateName: { type: "string" } } };
  return { ...schema, type: "object", properties: { apiVersion: { type: "string" }, kind: { type: "string" }, ...schema.properties, metadata } };
}

function formCauses(rule: Rule, schema: Schema, at: string): ErrorCause[] {
  const causes: ErrorCause[] = [];
  if (rule.rule.trim() === "") causes.push(requiredCause(`${at}.rule`, "rule is not specified"));
  if (rule.message !== undefined && rule.message !== "" && rule.message.trim() === "")
    causes.push(invalidCause(`${at}.message`, rule.message, "message must be non-empty if specified"));
  if (/[\r\n]/.test((rule.message ?? "").trim())) causes.push(invalidCause(`${at}.message`, rule.message, "message must not contain line breaks"));
  if (/[\r\n]/.test(rule.rule.trim()) && (rule.message ?? "").trim() === "")
    causes.push(requiredCause(`${at}.message`, "message must be specified if rule contains line breaks"));
  if ((rule.message ?? "").length > messageLengthMax)
    causes.push({ field: `${at}.message`, reason: "FieldValueTooLong", message: `Too long: may not be more than ${messageLengthMax} bytes` });
  if (rule.messageExpression !== undefined && rule.messageExpression.trim() === "")
    causes.push(requiredCause(`${at}.messageExpression`, "messageExpression must be non-empty if specified"));
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) causes.push(unsupportedCause(`${at}.reason`, rule.reason, reasons));
  if (rule.fieldPath !== undefined && rule.fieldPath !== "") {
    const path = readFieldPath(rule.fieldPath);
    if (path === undefined || schemaAt(schema, path) === undefined)
      causes.push(invalidCause(`${at}.fieldPath`, rule.fieldPath, "fieldPath must be a valid path of fields that the schema has"));
  }
  return causes;
}

interface CompileInput {
  readonly wanted: "bool" | "string";
  readonly field: string;
  readonly fields: TypeContext["fields"];
  readonly variables: ReadonlyMap<string, string>;
}

function compile(
  environment: CelEnvironment,
  text: string,
  { wanted, field, fields, variables }: CompileInput,
  problems: ErrorCause[],
): { readonly names: ReadonlySet<string>; readonly evaluate: (variables: object) => unknown } | undefined {
  try {
    const parsed = environment.parse(text);
    const root = parsed.ast as unknown as CelNode;
    const { names } = prepare(root, variables);
    const result = parsed.check();
    if (!result.valid) throw result.error ?? new Error("it has no type");
    if (result.type !== wanted) {
      problems.push(
        invalidCause(
          field,
          text,
          wanted === "bool" ? `must evaluate to a bool, not ${String(result.type)}` : `must evaluate to a string, not ${String(result.type)}`,
        ),
      );
      return undefined;
    }
    for (const { type, path } of testedPaths(root)) {
      let here: string | undefined = type;
      for (const name of path) {
        const known: ReadonlyMap<string, string> | undefined = here === undefined ? undefined : fields.get(here);
        if (known === undefined) break; // a map, or anything
        here = known.get(name);
        if (here === undefined) throw new SyntaxError(`undefined field '${name}'`);
      }
    }
    instrument(root);
    return { names, evaluate: (values) => parsed(values as Record<string, unknown>) as unknown };
  } catch (error) {
    problems.push(invalidCause(field, text, `compilation failed: ${readable(error)}`));
    return undefined;
  }
}

/** The first line of what the library says, in the names that people wrote. */
function readable(error: unknown): string {
  const [text = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return text
    .replaceAll("matchesRe2", "matches")
    .replaceAll("joinBounded", "join")
    .replace(/^No such key: (\w+)$/, "undefined field '$1'");
}

interface Run {
  readonly causes: ErrorCause[];
  readonly budget: Budget;
}

interface Visit {
  readonly value: unknown;
  /** Undefined where there is none, or none can be found. */
  readonly old: unknown;
  readonly at: string;
}

function checkNode(node: RuleNode, { value, old, at }: Visit, run: Run): void {
  if (value === null || value === undefined || run.budget.stepsLeft < 0) return;
  for (const rule of node.rules) checkRule(node, rule, { value, old, at }, run);
  if (Array.isArray(value)) {
    if (node.items === undefined) return;
    const before = node.keys === undefined || !Array.isArray(old) ? undefined : byKeys(old, node.keys);
    for (const [index, element] of value.entries()) {
      const known = before === undefined || node.keys === undefined ? undefined : before.get(identity(element, node.keys));
      checkNode(node.items, { value: element, old: known, at: `${at}[${index}]` }, run);
    }
  } else if (isJsonObject(value)) {
    const oldOf = (key: string): unknown => (isJsonObject(old) ? ownValue(old, key) : undefined);
    for (const [key, child] of node.properties) if (Object.hasOwn(value, key)) checkNode(child, { value: value[key], old: oldOf(key), at: join(at, key) }, run);
    if (node.additional !== undefined)
      for (const key of Object.keys(value)) checkNode(node.additional, { value: value[key], old: oldOf(key), at: join(at, key) }, run);
  }
}

function checkRule(node: RuleNode, rule: CompiledRule, { value, old, at }: Visit, run: Run): void {
  const { source } = rule;
  const hasOld = old !== undefined && old !== null;
  if (rule.transition && source.optionalOldSelf !== true && !hasOld) return;
  const fail = (problem: string): void => {
    const path = source.fieldPath === undefined || source.fieldPath === "" ? [] : (readFieldPath(source.fieldPath) ?? []);
    const field = path.reduce(join, at);
    const reason = source.reason ?? "FieldValueInvalid";
    run.causes.push({ ...(field === "" ? {} : { field }), reason, message: messageOf(reason, problem) });
  };
  // A rule that came later does not lock in what was there before; one that looks at changes is about nothing else.
  if (!rule.transition && hasOld && deepEqual(value, old)) return;
  const said = source.message ?? `failed rule: ${source.rule.trim()}`;
  try {
    const variables = variablesOf(node, source, value, old);
    const kept = onBudget(run.budget, () => rule.evaluate(variables));
    if (run.budget.stepsLeft < 0) return outOfBudget(run, at, node.type);
    if (kept === true) return;
    const dynamic = rule.message === undefined ? undefined : tried(() => onBudget(run.budget, () => rule.message?.(variables)));
    fail(typeof dynamic === "string" && dynamic.trim() !== "" && !/[\r\n]/.test(dynamic) ? dynamic.slice(0, messageLengthMax) : said);
  } catch (error) {
    if (run.budget.stepsLeft < 0) return outOfBudget(run, at, node.type);
    run.causes.push({
      ...(at === "" ? {} : { field: at }),
      reason: "FieldValueInvalid",
      message: `Invalid value: "${node.type}": ${readable(error)} evaluating rule: ${said}`,
    });
  }
}

function variablesOf(node: RuleNode, source: Rule, value: unknown, old: unknown): object {
  const convert = (side: unknown): unknown => node.self?.type.convert(side);
  const names = variablesAt(node.self?.number ?? 0, source.optionalOldSelf === true);
  const before = old === undefined || old === null ? undefined : convert(old);
  return {
    [names.get("self") ?? ""]: convert(value),
    ...(source.optionalOldSelf === true
      ? { [names.get("oldSelf") ?? ""]: optionalOf(before) }
      : before === undefined
        ? {}
        : { [names.get("oldSelf") ?? ""]: before }),
  };
}

function outOfBudget(run: Run, at: string, type: string): void {
  const message = "validation failed due to running out of cost budget, no further validation rules will be run";
  run.causes.push({ ...(at === "" ? {} : { field: at }), reason: "FieldValueInvalid", message: `Invalid value: "${type}": ${message}` });
}

function messageOf(reason: string, problem: string): string {
  switch (reason) {
    case "FieldValueRequired":
      return `Required value: ${problem}`;
    case "FieldValueForbidden":
      return `Forbidden: ${problem}`;
    case "FieldValueDuplicate":
      return `Duplicate value: ${problem}`;
    default:
      return `Invalid value: ${problem}`;
  }
}

/** A message that cannot be made is replaced by the fixed one. */
function tried(make: () => unknown): unknown {
  try {
    return make();
  } catch {
    return undefined; // the caller has another message
  }
}

function byKeys(list: readonly unknown[], keys: readonly string[]): Map<string, unknown> {
  return new Map(list.map((element) => [identity(element, keys), element]));
}

function identity(element: unknown, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => (isJsonObject(element) ? ownValue(element, key) : undefined) ?? null));
}

function join(at: string, key: string): string {
  return at === "" ? key : `${at}.${key}`;
}

/** `.spec.a`, `['x.y']`: names of fields; undefined when it is no such path. */
function readFieldPath(text: string): string[] | undefined {
  const names: string[] = [];
  const segment = /\.([A-Za-z_][\w-]*)|\['([^']*)'\]/y;
  while (segment.lastIndex < text.length) {
    const found = segment.exec(text);
    if (found === null) return undefined;
    names.push(found[1] ?? found[2] ?? "");
  }
  return names;
}

function schemaAt(schema: Schema, path: readonly string[]): Schema | undefined {
  return path.reduce<Schema | undefined>(
    (here, name) => here?.properties?.[name] ?? (typeof here?.additionalProperties === "object" ? here.additionalProperties : undefined),
    schema,
  );
}
