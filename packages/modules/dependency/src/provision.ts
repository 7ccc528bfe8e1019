// From a bound dependency to its outputs: params, generated values, what it requires, services, objects, outputs. Each step waits for the one before.
import { resourceSetKind, type Allow, type ResourceSet } from "@threeport/cluster";
import { isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { followSet, ownerReference, type Environment } from "@threeport/module-environment";
import type { Helm } from "@threeport/module-helm";
import { secretData, secretTexts, type KubeObject, type StoredObject } from "@threeport/resource";
import { generatedValues } from "./generated.ts";
import { environmentScope } from "./environment-scope.ts";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";
import { hostLabelOf, objectNameOf, shortNameOf } from "./names.ts";
import type { Judged } from "./reconcile-dependency.ts";
import { finishedObjects } from "./finished-objects.ts";
import { projectSecret } from "./provision-secret.ts";
import { profileObjects } from "./profile-objects.ts";
import { paramsFor, renderOutputs, type Outputs, type Problem, type ProfileScope } from "./render-profile.ts";
import { prefixed, requireOthers } from "./require-others.ts";
import { useServices } from "./use-services.ts";

export const setNameOf = (dependency: string): string => `dependency.${dependency}`;
export const outputsSecretName = (dependency: string): string => `dependency-${dependency}`;

export interface ProvisionPlace {
  /** A digest of content that may be secret: keyed, so that it tells nothing. */
  readonly digest: (content: string) => string;
  readonly environment: Environment;
  readonly profile: DependencyProfile;
  readonly runtime: string;
  readonly pullSecret: boolean;
  readonly helm: Pick<Helm, "render">;
}

const problem = (reason: string, messages: readonly string[]): { readonly verdict: Verdict } => ({
  verdict: { state: "stalled", reason, message: messages.slice(0, 3).join("; ") },
});

function inProfile({ metadata }: DependencyProfile, problems: readonly Problem[]): string[] {
  return problems.map(({ field, message }) => `DependencyProfile ${metadata.name}: ${field}: ${message}`);
}

/** Nothing that was made before is still on its way. */
async function isSteady({ metadata }: Dependency, { objects }: ReconcileContext): Promise<boolean> {
  const set = await objects.get<ResourceSet>({
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    namespace: metadata.namespace ?? "",
    name: setNameOf(metadata.name),
  });
  return set === undefined || isReadyNow(set);
}

function rotationPending(names: readonly string[]): Verdict {
  return { state: "reconciling", reason: "RotationPending", message: `${names.join(", ")}: to be made anew as soon as what was made before is ready` };
}

export async function provision(dependency: Dependency, place: ProvisionPlace, context: ReconcileContext): Promise<Judged> {
  const { environment, profile, runtime } = place;
  if (profile.spec.provisioner.secret !== undefined) return projectSecret(dependency, context);
  const checked = paramsFor(profile.spec, dependency.spec.params ?? {});
  if ("causes" in checked)
    return problem(
      "ParamsInvalid",
      checked.causes.map(({ field = "", message }) => `params${field === "" ? "" : `.${field}`}: ${message}`),
    );
  // One change after the other: what takes a value over from the Secret, such as a Job, could otherwise end after the one that follows it.
  const generated = await generatedValues(dependency, profile.spec, { mayRotate: () => isSteady(dependency, context) }, context);
  const { targetNamespace, type, class: sort, id } = dependency.spec;
  const project = dependency.metadata.namespace ?? "";
  const name = objectNameOf(dependency.spec);
  const base: ProfileScope = {
    params: checked.params,
    name,
    shortName: shortNameOf(name),
    targetNamespace,
    project,
    environment: await environmentScope(environment, runtime, context),
    runtime,
    hostLabel: hostLabelOf({ id, project, environment: environment.metadata.name }),
    need: { type, class: sort, id },
    workload: dependency.spec.sourceWorkload ?? { name: "", kind: "Deployment", service: "", ports: [] },
    generated: generated.values,
    rotations: generated.rotations,
    requires: {},
    services: {},
  };
  const required = await requireOthers(dependency, { profile, scope: base }, context);
  if ("problems" in required) return problem("ProfileFailed", inProfile(profile, required.problems));
  if (required.waiting !== undefined) return { required: required.claims, verdict: required.waiting };
  const secrets = { ...prefixed("generated", generated.values), ...required.secrets };
  const used = await useServices(dependency, { profile, scope: { ...base, requires: required.outputs }, runtime, secrets }, context);
  if ("problems" in used) return { required: required.claims, ...problem("ProfileFailed", inProfile(profile, used.problems)) };
  if (used.waiting !== undefined)
    return { required: required.claims, dependency: used.dependency, verdict: used.waiting, ...(readsNothing(profile) ? { outputs: earlyOutputs } : {}) };
  const scope = { ...base, requires: required.outputs, services: used.outputs };
  const making = { ...place, scope, secrets, required: required.claims, pending: generated.pending };
  return { dependency: used.dependency, ...(await make(used.dependency, making, context)) };
}

interface MakePlace extends ProvisionPlace {
  readonly scope: ProfileScope;
  readonly secrets: Readonly<Record<string, string>>;
  readonly required: readonly string[];
  /** Generated values that are to be made anew when what was made is ready. */
  readonly pending: readonly string[];
}

/** Objects, then outputs. */
async function make(dependency: Dependency, place: MakePlace, context: ReconcileContext): Promise<Judged> {
  const { profile, scope, secrets, required, pending } = place;
  const { set, verdict } = await makeObjects(dependency, place, context);
  const rotating = verdict.state === "ready" && pending.length > 0;
  const made = { required, ...(set === undefined ? {} : { set }), verdict: rotating ? rotationPending(pending) : verdict };
  const early = profile.spec.withWorkload === true;
  if (made.verdict.state !== "ready" && !early) return made;
  const outputs = renderOutputs(profile, scope, secrets);
  if ("problems" in outputs) return { ...made, ...problem("OutputsFailed", inProfile(profile, outputs.problems)) };
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
    const value = found === undefined ? undefined : secretTexts(found)[key];
    if (value === undefined)
      problems.push(`output ${output}: there is no ${found === undefined ? `Secret ${namespace}/${name}` : `key ${key} in Secret ${namespace}/${name}`}`);
    else secret[output] = value;
  }
  return problems.length > 0 ? { problems } : { secret };
}

async function makeObjects(
  dependency: Dependency,
  place: ProvisionPlace & { readonly scope: ProfileScope; readonly secrets: Readonly<Record<string, string>> },
  context: ReconcileContext,
): Promise<Pick<Judged, "set"> & { readonly verdict: Verdict }> {
  const { profile, environment, runtime, scope, secrets } = place;
  const rendered = await profileObjects(profile, { scope, secrets }, { helm: place.helm, objects: context.objects, signal: context.signal });
  if ("problems" in rendered) return problem("ProfileFailed", inProfile(profile, rendered.problems));
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
      objects: finishedObjects(rendered.objects, place),
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

/** Secret ones go to a Secret beside the dependency; the status says where. */
async function writeOutputs(dependency: Dependency, { values, secret }: Outputs, context: ReconcileContext): Promise<NonNullable<Judged["outputs"]>> {
  const keys = Object.keys(secret).toSorted();
  if (keys.length === 0) return { values: { ...values } };
  const { name, namespace = "" } = dependency.metadata;
  const written = await context.objects.apply<StoredObject>({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: outputsSecretName(name), namespace, ownerReferences: [ownerReference(dependency, true)] },
    data: secretData(secret),
  });
  return { values: { ...values }, secret: { name: written.metadata.name, keys, secretVersion: written.metadata.resourceVersion ?? "" } };
}
