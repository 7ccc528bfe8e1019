// The other dependencies that a profile requires: one claim for each, and their outputs when these are met.
import { findCondition, isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { ownerReference } from "@threeport/module-environment";
import type { KubeObject } from "@threeport/resource";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";
import { readOutputs } from "./read-outputs.ts";
import { requiredParams, type Problems, type ProfileScope } from "./render-profile.ts";

/** Names as they are told in problems. */
export function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
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
export async function requireOthers(
  dependency: Dependency,
  { profile, scope }: { readonly profile: DependencyProfile; readonly scope: ProfileScope },
  context: ReconcileContext,
): Promise<Required | Problems> {
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
      metadata: { name: `${own}.${name}`, namespace, ownerReferences: [ownerReference(dependency, true)] },
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
