// What a dependency would be made of with another version of its profile: the functions of the reconciler over what is there, without its writes.
import { environmentKind, type Environment } from "@threeport/module-environment";
import { fields, PlatformError, secretTexts, type KubeObject, type Objects, type StoredObject } from "@threeport/resource";
import { serviceOutputs } from "@threeport/module-support";
import { environmentScope } from "./environment-scope.ts";
import { finishedObjects } from "./finished-objects.ts";
import { generatedSecretName, recordedRotations } from "./generated.ts";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyKind, type Dependency } from "./kinds/dependency.ts";
import type { DependencyRendering } from "./kinds/dependency-rendering.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import { hostLabelOf, objectNameOf, shortNameOf } from "./names.ts";
import { profileObjects, type ChartTools } from "./profile-objects.ts";
import { readOutputs } from "./read-outputs.ts";
import { requiredMarks, serviceMarks } from "./required-marks.ts";
import { paramsFor, type ProfileScope } from "./render-profile.ts";
import { prefixed } from "./require-others.ts";

type Tools = Omit<ChartTools, "objects"> & { readonly objects: Objects; readonly digest: (content: string) => string };

/** @throws PlatformError TP_NOT_FOUND, TP_INVALID when the dependency has no profile yet */
export async function computeUpdate(rendering: DependencyRendering, namespace: string, tools: Tools): Promise<DependencyRendering> {
  const { objects } = tools;
  const { dependency: name, source } = rendering.spec;
  const dependency = await objects.get<Dependency>({ apiVersion: dependencyKind.apiVersion, kind: dependencyKind.kind, namespace, name });
  if (dependency === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `dependencies.threeport.io "${name}" not found` });
  const { profile: bound = "" } = dependency.spec;
  const known = await objects.get<DependencyProfile>({ apiVersion: dependencyProfileKind.apiVersion, kind: dependencyProfileKind.kind, name: bound });
  const environment = await objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: dependency.spec.environment });
  if (known === undefined || environment === undefined)
    throw new PlatformError("TP_INVALID", { message: `dependency ${name} has no profile that could be taken: tptctl why dependency/${name} tells more` });
  const profile: DependencyProfile = source === undefined ? known : { ...known, spec: source };
  const policy = profile.spec.updatePolicy ?? "Automatic";
  const checked = paramsFor(profile.spec, dependency.spec.params ?? {});
  if ("causes" in checked) {
    const problems = checked.causes.map(({ field = "", message }) => ({ field: `params${field === "" || field.startsWith("[") ? "" : "."}${field}`, message }));
    return { ...rendering, status: { policy, problems } };
  }
  const { scope, secrets } = await scopeOf(dependency, { profile, environment, params: checked.params }, objects);
  const rendered = await profileObjects(profile, { scope, secrets: Object.fromEntries([...secrets.keys()].map((mark) => [mark.slice(1, -1), mark])) }, tools);
  if ("problems" in rendered) return { ...rendering, status: { policy, problems: [...rendered.problems] } };
  const filled = rendered.objects.map((object) => withSecrets(object, secrets));
  const finished = finishedObjects(filled, { pullSecret: (environment.spec.registries ?? []).length > 0, digest: tools.digest });
  return { ...rendering, status: { policy, objects: finished as NonNullable<NonNullable<DependencyRendering["status"]>["objects"]> } };
}

interface Place {
  readonly profile: DependencyProfile;
  readonly environment: Environment;
  readonly params: ProfileScope["params"];
}

/**
 * What is known is taken as it is. Marks stand for secret values, and for what would be made or claimed then: whoever asks may have written the expressions, which
 * must not get hold of a secret value. `secrets` has the values behind the marks.
 */
async function scopeOf(
  dependency: Dependency,
  { profile, environment, params }: Place,
  objects: Objects,
): Promise<{ readonly scope: ProfileScope; readonly secrets: ReadonlyMap<string, string> }> {
  const { targetNamespace, type, class: sort, id, runtime = environment.spec.runtime } = dependency.spec;
  const { namespace: project = "", name: own } = dependency.metadata;
  const name = objectNameOf(dependency.spec);
  const secret = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: project, name: generatedSecretName(own) });
  const made = secret === undefined ? {} : secretTexts(secret);
  const generated = Object.fromEntries(Object.keys(profile.spec.generated ?? {}).map((key) => [key, `<generated.${key}>`]));
  const recorded = recordedRotations(secret);
  const required = await requiredOf(dependency, profile, objects);
  const marks = requiredMarks(profile.spec, {
    profiles: await objects.list<DependencyProfile>(dependencyProfileKind),
    place: undefined,
    given: required.outputs,
  });
  const services: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const service of Object.keys(profile.spec.services ?? {})) {
    const known = await serviceOutputs(service, runtime, { objects });
    if (known !== undefined) services[service] = known;
  }
  const scope: ProfileScope = {
    params,
    name,
    shortName: shortNameOf(name),
    targetNamespace,
    project,
    environment: await environmentScope(environment, runtime, { objects }),
    runtime,
    hostLabel: hostLabelOf({ id, project, environment: environment.metadata.name }),
    need: { type, class: sort, id },
    workload: dependency.spec.sourceWorkload ?? { name: "", kind: "Deployment", service: "", ports: [] },
    generated,
    rotations: Object.fromEntries(Object.keys(generated).map((key) => [key, recorded[key] ?? 0])),
    requires: marks.outputs,
    services: serviceMarks(profile.spec, services),
  };
  const values = { ...prefixed("generated", made), ...required.secrets };
  const hidden = [...Object.keys(prefixed("generated", generated)), ...Object.keys(marks.secrets), ...Object.keys(required.secrets)];
  return { scope, secrets: new Map([...new Set(hidden)].map((name) => [`<${name}>`, values[name] ?? `<${name}>`])) };
}

/** Secret values in a Secret, which is shown with marks: so that what stays as it is is no change. */
function withSecrets(object: KubeObject, secrets: ReadonlyMap<string, string>): KubeObject {
  if (object.apiVersion !== "v1" || object.kind !== "Secret") return object;
  const filled = (text: string): string => [...secrets].reduce((all, [mark, value]) => all.replaceAll(mark, () => value), text);
  const each = (values: unknown, fill: (text: string) => string): Record<string, unknown> =>
    Object.fromEntries(Object.entries(fields(values)).map(([key, value]) => [key, typeof value === "string" ? fill(value) : value]));
  return {
    ...object,
    ...(object["stringData"] === undefined ? {} : { stringData: each(object["stringData"], filled) }),
    ...(object["data"] === undefined
      ? {}
      : { data: each(object["data"], (value) => Buffer.from(filled(Buffer.from(value, "base64").toString("utf8"))).toString("base64")) }),
  };
}

async function requiredOf(
  { metadata }: Dependency,
  { spec }: DependencyProfile,
  objects: Objects,
): Promise<{ readonly outputs: Record<string, Readonly<Record<string, unknown>>>; readonly secrets: Readonly<Record<string, string>> }> {
  const outputs: Record<string, Readonly<Record<string, unknown>>> = {};
  const secrets: Record<string, string> = {};
  for (const name of Object.keys(spec.requires ?? {})) {
    const target = {
      apiVersion: dependencyClaimKind.apiVersion,
      kind: dependencyClaimKind.kind,
      namespace: metadata.namespace ?? "",
      name: `${metadata.name}.${name}`,
    };
    const claim = await objects.get<DependencyClaim>(target);
    if (claim?.status?.outputs === undefined) continue;
    const read = await readOutputs(claim, { objects });
    outputs[name] = { ...read.values, ...Object.fromEntries(Object.keys(read.secret).map((key) => [key, `<requires.${name}.${key}>`])) };
    Object.assign(secrets, prefixed(`requires.${name}`, read.secret));
  }
  return { outputs, secrets };
}
