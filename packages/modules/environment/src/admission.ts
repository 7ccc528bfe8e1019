// What people must be allowed for an Environment that they write (§5.10). Who may change environments may write any. Who may only create them may make
// clones, of what he has the verb `clone` on, and gains nothing by it that the other environment does not give.
import { deepEqual, PlatformError, type KubeObject, type Objects } from "@threeport/resource";
import { profileKind, type Profile } from "./contents.ts";
import { isEnding } from "./end-environment.ts";
import { environmentKind, type Environment } from "./environment-kind.ts";
import { group } from "./group.ts";

/** One thing that a user would do. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  /** Unset: all of them. */
  readonly name?: string;
}

/** What the writer of an object may do. */
export interface Rights {
  /** Throws TP_FORBIDDEN unless the writer may do it; `why` says what makes it necessary. */
  need(permission: Permission, why: string): void;
}

const tiers = ["development", "staging", "production"] as const;

/** Throws when a person may not write the environment. */
export function environmentAdmission(context: { readonly objects: Objects }) {
  return async (object: KubeObject, old: KubeObject | undefined, rights: Rights): Promise<void> => {
    const environment = object as Environment;
    const before = old as Environment | undefined;
    const { spec, metadata } = environment;
    if (spec.runtimeSelector !== undefined && !deepEqual(spec.runtimeSelector, before?.spec.runtimeSelector))
      rights.need({ verb: "use", group, resource: "kubernetesruntimeinstances" }, "spec.runtimeSelector may choose any of them");
    if (before !== undefined) return holdTaken(spec, before.spec);
    if (spec.cloneOf === undefined)
      return rights.need({ verb: "update", group, resource: "environments", name: metadata.name }, "without it only clones can be made: spec.cloneOf");
    await holdClone(environment, rights, context.objects);
  };
}

function holdTaken({ cloneOf }: Environment["spec"], before: Environment["spec"]): void {
  if (cloneOf?.generation === before.cloneOf?.generation) return;
  throw new PlatformError("TP_FORBIDDEN", { message: "spec.cloneOf.generation is written by the control plane; leave it out" });
}

async function holdClone(clone: Environment, rights: Rights, objects: Objects): Promise<void> {
  const { cloneOf, project = "", tier, registries } = clone.spec;
  const from = cloneOf?.environment ?? "";
  rights.need({ verb: "clone", group, resource: "environments", name: from }, "spec.cloneOf names it");
  rights.need({ verb: "create", group, resource: "workloadinstances", namespace: project }, `the deployments of ${project} are made again`);
  const source = await objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: from });
  if (source === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no environment ${from} to clone`,
      causes: [{ field: "spec.cloneOf.environment", message: "not found" }],
    });
  const refuse = (message: string): never => {
    throw new PlatformError("TP_NOT_ALLOWED", { message });
  };
  if (isEnding(source)) refuse(`environment ${from} is ending, and cannot be cloned`);
  if (source.spec.project !== undefined && source.spec.project !== project)
    refuse(`environment ${from} belongs to project ${source.spec.project}; a clone of it for ${project} would have nothing in it`);
  if (tiers.indexOf(tier) > tiers.indexOf(source.spec.tier))
    refuse(`a clone of ${from} is at most ${source.spec.tier}, as that is, and not ${tier}; leave spec.tier out for development`);
  if (registries === undefined)
    for (const { secretRef } of source.spec.registries ?? [])
      rights.need(
        { verb: "get", group: "", resource: "secrets", namespace: secretRef.namespace, name: secretRef.name },
        `a registry of environment ${from} names it; spec.registries: [] clones it without`,
      );
  await holdLabels(clone, source, objects);
}

/** Labels decide which profiles fit: a clone gets no others by them than the environment that it is taken from. */
async function holdLabels({ metadata }: Environment, source: Environment, objects: Objects): Promise<void> {
  const labels = Object.entries(metadata.labels ?? {}).filter(([key, value]) => source.metadata.labels?.[key] !== value);
  if (labels.length === 0) return;
  const matched = new Set((await objects.list<Profile & KubeObject>(profileKind)).flatMap(({ spec }) => Object.keys(spec.match?.labels ?? {})));
  const [key] = labels.find(([name]) => matched.has(name)) ?? [];
  if (key === undefined) return;
  throw new PlatformError("TP_NOT_ALLOWED", {
    message: `label ${key} decides which DependencyProfiles fit: a clone of ${source.metadata.name} has it as that has, or not at all`,
  });
}
