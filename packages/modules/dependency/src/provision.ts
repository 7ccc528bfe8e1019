// From a bound dependency to its outputs: params, what it requires, generated values, objects, outputs. Each step waits for the one before.
import { resourceSetKind, type Allow, type ResourceSet } from "@threeport/cluster";
import { findCondition, isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { followSet, ownerReference, withPullSecret, type Environment } from "@threeport/module-environment";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { generatedValues } from "./generated.ts";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";
import { hostLabelOf, objectNameOf, shortNameOf } from "./names.ts";
import type { Judged } from "./reconcile-dependency.ts";
import { projectSecret } from "./provision-secret.ts";
import { paramsFor, renderObjects, renderOutputs, requiredParams, type Outputs, type ProfileScope } from "./render-profile.ts";
import { readOutputs } from "./read-outputs.ts";
import { ownedBy, secretData } from "./secrets.ts";
import { useServices } from "./use-services.ts";

export const setNameOf = (dependency: string): string => `dependency.${dependency}`;
export const outputsSecretName = (dependency: string): string => `dependency-${dependency}`;

export interface ProvisionPlace {
  readonly environment: Environment;
  readonly profile: DependencyProfile;
  readonly runtime: string;
  readonly pullSecret: boolean;
}

const problem = (reason: string, messages: readonly string[]): { readonly verdict: Verdict } => ({
  verdict: { state: "stalled", reason, message: messages.slice(0, 3).join("; ") },
});

export async function provision(dependency: Dependency, place: ProvisionPlace, context: ReconcileContext): Promise<Judged> {
  const { environment, profile, runtime } = place;
  if (profile.spec.provisioner.secret !== undefined) return projectSecret(dependency, context);
  const checked = paramsFor(profile.spec, dependency.spec.params ?? {});
  if ("causes" in checked)
    return problem(
      "ParamsInvalid",
      checked.causes.map(({ field = "", message }) => `params${field === "" ? "" : `.${field}`}: ${message}`),
    );
  const generated = await generatedValues(dependency, profile.spec.generated ?? {}, context);
  const { targetNamespace, type, class: sort, id } = dependency.spec;
  const project = dependency.metadata.namespace ?? "";
  const base: ProfileScope = {
    params: checked.params,
    name: objectNameOf(dependency.spec),
    shortName: shortNameOf(dependency.spec),
    targetNamespace,
    project,
    environment: {
      name: environment.metadata.name,
      tier: environment.spec.tier,
      variables: environment.spec.variables ?? {},
      baseDomain: environment.spec.baseDomain,
      https: environment.spec.https,
      ports: await entranceOf(runtime, context),
    },
    runtime,
    hostLabel: hostLabelOf({ id, project, environment: environment.metadata.name }),
    need: { type, class: sort, id },
    workload: dependency.spec.sourceWorkload ?? { name: "", kind: "Deployment", service: "", ports: [] },
    generated,
    requires: {},
    services: {},
  };
  const required = await require(dependency, { profile, scope: base }, context);
  if ("problems" in required) return problem("ProfileFailed", required.problems);
  if (required.waiting !== undefined) return { required: required.claims, verdict: required.waiting };
  const secrets = { ...prefixed("generated", generated), ...required.secrets };
  const used = await useServices(dependency, { profile, scope: { ...base, requires: required.outputs }, runtime, secrets }, context);
  if ("problems" in used) return { required: required.claims, ...problem("ProfileFailed", used.problems) };
  if (used.waiting !== undefined)
    return { required: required.claims, dependency: used.dependency, verdict: used.waiting, ...(readsNothing(profile) ? { outputs: earlyOutputs } : {}) };
  const scope = { ...base, requires: required.outputs, services: used.outputs };
  return { dependency: used.dependency, ...(await make(used.dependency, { ...place, scope, secrets, required: required.claims }, context)) };
}

/** Ports by which the gateway of a runtime is reached from outside: those of the web, unless the cluster is on this machine. */
async function entranceOf(name: string, { objects }: ReconcileContext): Promise<{ readonly http: number; readonly https: number }> {
  const runtime = await objects.get<RuntimeOutputs>({ apiVersion: dependencyClaimKind.apiVersion, kind: "KubernetesRuntimeInstance", name });
  return runtime?.status?.outputs?.entrance ?? { http: 80, https: 443 };
}

type RuntimeOutputs = StoredObject & { readonly status?: { readonly outputs?: { readonly entrance?: { readonly http: number; readonly https: number } } } };

/** Objects, then outputs. */
async function make(
  dependency: Dependency,
  place: ProvisionPlace & { readonly scope: ProfileScope; readonly secrets: Readonly<Record<string, string>>; readonly required: readonly string[] },
  context: ReconcileContext,
): Promise<Judged> {
  const { profile, scope, secrets, required } = place;
  const made = { required, ...(await makeObjects(dependency, place, context)) };
  const early = profile.spec.withWorkload === true;
  if (made.verdict.state !== "ready" && !early) return made;
  const outputs = renderOutputs(profile, scope, secrets);
  if ("problems" in outputs) return { ...made, ...problem("OutputsFailed", outputs.problems) };
  const given = await givenSecrets(profile, context);
  if ("problems" in given) return { ...made, ...problem("SecretMissing", given.problems) };
  const all = { ...outputs, secret: { ...outputs.secret, ...given.secret } };
  const written = await writeOutputs(dependency, all, context);
  return { ...made, outputs: early ? { ...written, withWorkload: true } : written };
}

const earlyOutputs = { values: {}, withWorkload: true } as const;

/** The workload has nothing to wait for: it is made together with it, and has no outputs. */
function readsNothing({ spec }: DependencyProfile): boolean {
  return spec.withWorkload === true && Object.keys(spec.outputs ?? {}).length === 0;
}

/** Outputs that operations keep in Secrets of their own. */
async function givenSecrets(
  { spec }: DependencyProfile,
  { objects }: ReconcileContext,
): Promise<{ readonly secret: Readonly<Record<string, string>> } | { readonly problems: readonly string[] }> {
  const secret: Record<string, string> = {};
  const problems: string[] = [];
  for (const [output, { secretRef }] of Object.entries(spec.outputs ?? {})) {
    if (secretRef === undefined) continue;
    const { namespace, name, key } = secretRef;
    const found = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace, name });
    const value = found === undefined ? undefined : secretData(found)[key];
    if (value === undefined)
      problems.push(`output ${output}: there is no ${found === undefined ? `Secret ${namespace}/${name}` : `key ${key} in Secret ${namespace}/${name}`}`);
    else secret[output] = value;
  }
  return problems.length > 0 ? { problems } : { secret };
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}

interface Required {
  /** Names of its claims. */
  readonly claims: readonly string[];
  readonly waiting?: Verdict;
  readonly outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Claims what the profile requires, one claim for each. */
async function require(
  dependency: Dependency,
  { profile, scope }: { readonly profile: DependencyProfile; readonly scope: ProfileScope },
  context: ReconcileContext,
): Promise<Required | { readonly problems: readonly string[] }> {
  const params = requiredParams(profile, scope);
  if ("problems" in params) return params;
  const { environment, targetNamespace } = dependency.spec;
  const { name: own, namespace = "" } = dependency.metadata;
  const claims: string[] = [];
  const outputs: Record<string, Readonly<Record<string, unknown>>> = {};
  const secrets: Record<string, string> = {};
  let waiting: Verdict | undefined;
  for (const [name, wanted] of Object.entries(profile.spec.requires ?? {})) {
    const given = params.params[name] ?? {};
    const claim = await context.objects.apply<DependencyClaim>({
      apiVersion: dependencyClaimKind.apiVersion,
      kind: dependencyClaimKind.kind,
      metadata: { name: `${own}.${name}`, namespace, ownerReferences: [ownedBy(dependency)] },
      spec: {
        environment,
        targetNamespace,
        type: wanted.type,
        class: wanted.class,
        id: wanted.id,
        requiredBy: own,
        resource: name,
        ...(Object.keys(given).length === 0 ? {} : { params: given }),
      },
    } as KubeObject);
    claims.push(claim.metadata.name);
    if (!isReadyNow(claim)) {
      waiting ??= waitingFor(claim);
      continue;
    }
    const read = await readOutputs(claim, context);
    outputs[name] = { ...read.values, ...read.secret };
    Object.assign(secrets, prefixed(`requires.${name}`, read.secret));
  }
  return { claims, outputs, secrets, ...(waiting === undefined ? {} : { waiting }) };
}

/** What is waited for, and what it says. */
export function waitingFor(claim: DependencyClaim): Verdict {
  const told = findCondition(claim, "Ready");
  const { type, resource } = claim.spec;
  return {
    state: findCondition(claim, "Stalled")?.status === "True" ? "stalled" : "reconciling",
    reason: "WaitingForDependency",
    message: `waits for ${type} ${resource}${told === undefined || told.message === "" ? "" : `: ${told.message}`}`,
  };
}

async function makeObjects(
  dependency: Dependency,
  place: ProvisionPlace & { readonly scope: ProfileScope; readonly secrets: Readonly<Record<string, string>> },
  context: ReconcileContext,
): Promise<Pick<Judged, "set"> & { readonly verdict: Verdict }> {
  const { profile, environment, runtime, scope, secrets } = place;
  const rendered = renderObjects(profile, scope, secrets);
  if ("problems" in rendered) return problem("ProfileFailed", rendered.problems);
  if (rendered.objects.length === 0) return { verdict: { state: "ready", reason: "Provided", message: `met by profile ${profile.metadata.name}` } };
  const allow = allowedBy(environment.spec.allow, profile.spec.allow);
  const { type } = dependency.spec;
  const set = await context.objects.apply<ResourceSet>({
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    metadata: {
      name: setNameOf(dependency.metadata.name),
      namespace: dependency.metadata.namespace ?? "",
      ownerReferences: [ownerReference(dependency, true)],
    },
    spec: {
      runtime,
      targetNamespace: dependency.spec.targetNamespace,
      confine: { environment: environment.metadata.name, ...(allow === undefined ? {} : { allow }) },
      objects: rendered.objects.map((object) => marked(place.pullSecret ? withPullSecret(object) : object)),
      prune: true,
      adopt: "Never",
      progressDeadlineSeconds: 600,
    },
  } as KubeObject);
  const verdict = followSet(set, type);
  return { set, verdict: verdict.state === "ready" ? { state: "ready", reason: "Provided", message: `met by profile ${profile.metadata.name}` } : verdict };
}

/** What the environment allows, and what the profile needs: operations wrote both. */
function allowedBy(environment: Allow | undefined, profile: DependencyProfile["spec"]["allow"]): Allow | undefined {
  const kinds = profile?.kinds ?? [];
  return kinds.length === 0 ? environment : { ...environment, kinds: [...(environment?.kinds ?? []), ...kinds] };
}

function marked(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: { "app.kubernetes.io/managed-by": "threeport", ...object.metadata.labels } } };
}

/** Secret ones go to a Secret beside the dependency; the status says where. */
async function writeOutputs(dependency: Dependency, { values, secret }: Outputs, context: ReconcileContext): Promise<NonNullable<Judged["outputs"]>> {
  const keys = Object.keys(secret).toSorted();
  if (keys.length === 0) return { values: { ...values } };
  const { name, namespace = "" } = dependency.metadata;
  const written = await context.objects.apply<StoredObject>({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: outputsSecretName(name), namespace, ownerReferences: [ownedBy(dependency)] },
    data: Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
  });
  return { values: { ...values }, secret: { name: written.metadata.name, keys, secretVersion: written.metadata.resourceVersion ?? "" } };
}
