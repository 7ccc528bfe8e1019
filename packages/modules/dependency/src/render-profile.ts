// A profile in place: params checked, expressions evaluated. Pure (design.md §7).
import type { Template } from "@threeport/cel";
import { fields, validateSchema, type ErrorCause, type JsonObject, type KubeObject, type Schema } from "@threeport/resource";
import { templatesOf } from "./check-profile.ts";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";

/** What expressions read; see `profileVariables`. */
export interface ProfileScope {
  readonly params: Readonly<Record<string, unknown>>;
  /** What objects are named after. */
  readonly name: string;
  /** A first part for host names: unique in the control plane, at most 63 characters. */
  readonly hostLabel: string;
  /** The same for what takes no longer names, such as users of MySQL: at most 32 characters. */
  readonly shortName: string;
  readonly targetNamespace: string;
  readonly project: string;
  readonly environment: {
    readonly name: string;
    readonly tier: string;
    readonly variables: Readonly<Record<string, string>>;
    readonly baseDomain: string;
    readonly https: string;
    /** Ports by which those outside reach the gateway. */
    readonly ports: { readonly http: number; readonly https: number };
  };
  readonly runtime: string;
  readonly need: { readonly type: string; readonly class: string; readonly id: string };
  readonly workload: NonNullable<Dependency["spec"]["sourceWorkload"]>;
  readonly generated: Readonly<Record<string, string>>;
  /** How often each of `generated` has been made anew. */
  readonly rotations: Readonly<Record<string, number>>;
  readonly requires: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What is wrong, at a field of the profile. */
export interface Problem {
  readonly field: string;
  readonly message: string;
}

export type Problems = { readonly problems: readonly Problem[] };
export type RenderedObjects = { readonly objects: readonly KubeObject[] } | Problems;
export interface Outputs {
  readonly values: Readonly<Record<string, unknown>>;
  readonly secret: Readonly<Record<string, string>>;
}

/** Params with the defaults of the profile, or what is wrong with them; fields are below `params`. */
export function paramsFor(
  spec: DependencyProfile["spec"],
  given: Readonly<Record<string, unknown>>,
): { readonly params: JsonObject } | { readonly causes: readonly ErrorCause[] } {
  const { properties = {}, required = [] } = spec.params ?? {};
  const schema: Schema = { type: "object", properties: properties as Record<string, Schema>, required, "x-kubernetes-preserve-unknown-fields": true };
  const defaults = Object.entries(properties).flatMap(([name, property]) => {
    const value = fields(property)["default"];
    return value === undefined || given[name] !== undefined ? [] : [[name, value] as const];
  });
  const params = { ...given, ...Object.fromEntries(defaults) } as JsonObject;
  const causes = validateSchema(params, schema);
  return causes.length > 0 ? { causes } : { params };
}

/** Params of the other dependencies that it needs, by their names in the profile. */
export function requiredParams(
  profile: DependencyProfile,
  scope: ProfileScope,
): { readonly params: Readonly<Record<string, Record<string, unknown>>> } | Problems {
  const result = evaluate(templatesOf(profile.spec).requires, scope, (path) => `spec.requires.${path.replace(/^([^.[]+)/, "$1.params")}`);
  return "problems" in result ? result : { params: result.value as Record<string, Record<string, unknown>> };
}

/** What the support services that it needs are told. */
export function serviceValues(
  profile: DependencyProfile,
  scope: ProfileScope,
  secrets: Readonly<Record<string, string>>,
): { readonly values: Readonly<Record<string, Record<string, unknown>>> } | Problems {
  const result = evaluate(templatesOf(profile.spec).services, scope, (path) => `spec.services.${path.replace(/^([^.[]+)/, "$1.values")}`);
  if ("problems" in result) return result;
  const values = result.value as Record<string, Record<string, unknown>>;
  const problems = Object.entries(values)
    .flatMap(([service, told]) => textsIn(told, `spec.services.${service}.values`))
    .filter(({ text }) => holdsSecret(text, secrets))
    .map(({ field }): Problem => ({ field, message: "it holds a secret value, which a service must not be told" }));
  return problems.length > 0 ? { problems } : { values };
}

/** Values of the chart that a profile is met by. */
export function chartValues(profile: DependencyProfile, scope: ProfileScope): { readonly values: Readonly<Record<string, unknown>> } | Problems {
  const result = evaluate(templatesOf(profile.spec).values, scope, (path) => `spec.provisioner.helm.values.${path}`);
  return "problems" in result ? result : { values: result.value as Record<string, unknown> };
}

/** Secret values in objects that everybody sees. */
export function leaksIn(objects: readonly KubeObject[], secrets: Readonly<Record<string, string>>, field: (index: number) => string): Problem[] {
  return objects.flatMap((object, index) => leaks(object, field(index), secrets));
}

/** @param secrets values that must stand in Secrets only */
export function renderObjects(profile: DependencyProfile, scope: ProfileScope, secrets: Readonly<Record<string, string>>): RenderedObjects {
  const result = evaluate(templatesOf(profile.spec).objects, scope, (path) => `spec.provisioner.manifests.objects${path}`);
  if ("problems" in result) return result;
  const objects = result.value as KubeObject[];
  const problems = objects.flatMap((object, index) => [
    ...shapeProblems(object, index),
    ...leaks(object, `spec.provisioner.manifests.objects[${index}]`, secrets),
  ]);
  return problems.length > 0 ? { problems } : { objects };
}

export function renderOutputs(profile: DependencyProfile, scope: ProfileScope, secrets: Readonly<Record<string, string>>): Outputs | Problems {
  const result = evaluate(templatesOf(profile.spec).outputs, scope, (path) => `spec.outputs.${path.replace(/^([^.[]+)/, "$1.value")}`);
  if ("problems" in result) return result;
  const [values, secret]: [Record<string, unknown>, Record<string, string>] = [{}, {}];
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(result.value as Record<string, unknown>)) {
    if (profile.spec.outputs?.[name]?.secret === true) secret[name] = typeof value === "string" ? value : JSON.stringify(value);
    else if (textsIn(value, "").some(({ text }) => holdsSecret(text, secrets)))
      problems.push({ field: `spec.outputs.${name}`, message: "it holds a secret value, so it must say secret: true" });
    else values[name] = value;
  }
  return problems.length > 0 ? { problems } : { values, secret };
}

function evaluate(template: Template, scope: ProfileScope, fieldAt: (path: string) => string): { readonly value: unknown } | Problems {
  const result = template.render({ ...scope });
  return "value" in result ? result : { problems: result.problems.map(({ path, message }) => ({ field: fieldAt(path), message })) };
}

function shapeProblems(object: unknown, index: number): Problem[] {
  const { apiVersion, kind, metadata } = (typeof object === "object" && object !== null ? object : {}) as Partial<KubeObject>;
  const named = typeof metadata === "object" && typeof metadata.name === "string" && metadata.name !== "";
  if (typeof apiVersion === "string" && typeof kind === "string" && named) return [];
  return [{ field: `spec.provisioner.manifests.objects[${index}]`, message: "it is no Kubernetes document: it needs apiVersion, kind and metadata.name" }];
}

/** A secret value in a Deployment or a ConfigMap is one that everybody sees. */
function leaks(object: KubeObject, at: string, secrets: Readonly<Record<string, string>>): Problem[] {
  const { apiVersion, kind, metadata } = object;
  if (apiVersion === "v1" && kind === "Secret") return [];
  return textsIn(object, at).flatMap(({ field, text }) =>
    Object.entries(secrets)
      .filter(([, value]) => holds(text, value))
      .map(([name]) => ({ field, message: `${kind} ${metadata.name} holds ${name}, which is secret: put it into a Secret and refer to that` })),
  );
}

function holdsSecret(text: string, secrets: Readonly<Record<string, string>>): boolean {
  return Object.values(secrets).some((value) => holds(text, value));
}

/** Shorter values could stand anywhere by chance. */
const secretLengthMin = 8;

function holds(text: string, value: string): boolean {
  return value.length >= secretLengthMin && text.includes(value);
}

/** All texts in a value of any depth, with where they stand. */
function textsIn(value: unknown, field: string): { readonly field: string; readonly text: string }[] {
  if (typeof value === "string") return [{ field, text: value }];
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => textsIn(item, `${field}[${index}]`));
  return Object.entries(fields(value)).flatMap(([key, item]) => textsIn(item, `${field}.${key}`));
}
