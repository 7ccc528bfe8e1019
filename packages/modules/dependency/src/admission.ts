// What people may not write of needs: one for a Secret that they may not read, and what a profile, the present one or the one that is asked for, cannot do.
import { environmentKind, type Environment } from "@threeport/module-environment";
import { PlatformError, type ErrorCause, type KubeObject, type Objects } from "@threeport/resource";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyKind, type Dependency } from "./kinds/dependency.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import { matchPlaceOf, misfitOf, type MatchPlace } from "./match.ts";
import { secretNameOf, secretType } from "./project-secret.ts";

/** What the writer of an object may do. */
export interface WriterRights {
  /** Throws TP_FORBIDDEN unless the writer may `get` the Secret; `why` names what refers to it. */
  readSecret(namespace: string, name: string, why: string): void;
}

/** Throws when `object` may not be written; `old` is what it replaces. */
type Rule = (object: KubeObject, old: KubeObject | undefined, rights: WriterRights) => Promise<void>;

/** By the resource whose writes they are asked of. */
export function dependencyAdmission({ objects }: { readonly objects: Objects }): ReadonlyMap<string, Rule> {
  return new Map<string, Rule>([
    [dependencyClaimKind.resource, async (object, _, rights) => Promise.resolve(holdNeed(object as DependencyClaim, rights))],
    [
      dependencyKind.resource,
      async (object, old, rights) => {
        holdNeed(object as Dependency, rights);
        await holdDependency(object as Dependency, old as Dependency | undefined, objects);
      },
    ],
  ]);
}

/** Whoever asks for a Secret must be allowed to read it, as whoever writes a workload that does. */
function holdNeed({ metadata, spec }: Pick<DependencyClaim, "metadata" | "spec"> | Dependency, rights: WriterRights): void {
  if (spec.type === secretType) rights.readSecret(metadata.namespace ?? "", secretNameOf(spec), "spec.params.name names it");
}

async function holdDependency(dependency: Dependency, old: Dependency | undefined, objects: Objects): Promise<void> {
  const causes = [
    ...bindingCauses(dependency, old),
    ...(await rotationCauses(dependency, old, objects)),
    ...(await rematchCauses(dependency, old, objects)),
    ...(await updateCauses(dependency, old, objects)),
  ];
  if (causes.length === 0) return;
  throw new PlatformError("TP_INVALID", {
    message: `Dependency ${dependency.metadata.name} is invalid: ${causes.map(({ field = "", message }) => `${field}: ${message}`).join("; ")}`,
    causes,
  });
}

/** Whoever binds it by hand would leave what the present profile made standing in the way of the other one. */
function bindingCauses({ spec }: Dependency, old: Dependency | undefined): ErrorCause[] {
  if (old?.spec.profile === undefined || old.spec.profile === spec.profile) return [];
  const message =
    "Forbidden: another profile is asked for by spec.rematchTo, and bound when what the present one made is gone; tptctl dependency rematch does it";
  return [{ field: "spec.profile", reason: "FieldValueForbidden", message }];
}

async function readProfile(name: string, objects: Objects): Promise<DependencyProfile | undefined> {
  return objects.get<DependencyProfile>({ apiVersion: dependencyProfileKind.apiVersion, kind: dependencyProfileKind.kind, name });
}

async function rotationCauses({ spec }: Dependency, old: Dependency | undefined, objects: Objects): Promise<ErrorCause[]> {
  const asked = Object.entries(spec.rotations ?? {}).filter(([name, count]) => count > (old?.spec.rotations?.[name] ?? 0));
  if (asked.length === 0) return [];
  const profile = spec.profile === undefined ? undefined : await readProfile(spec.profile, objects);
  return asked.flatMap(([name]) => {
    const why = whyNotRotated(name, profile);
    return why === undefined ? [] : [{ field: `spec.rotations.${name}`, reason: "FieldValueForbidden" as const, message: `Forbidden: ${why}` }];
  });
}

function whyNotRotated(name: string, profile: DependencyProfile | undefined): string | undefined {
  if (profile === undefined) return "nothing has been made yet that could be made anew";
  const { generated = {}, rotatable = [] } = profile.spec;
  if (rotatable.includes(name)) return undefined;
  const profileName = profile.metadata.name;
  if (generated[name] === undefined) return `profile ${profileName} generates no ${name}; it generates ${Object.keys(generated).join(", ") || "nothing"}`;
  return `profile ${profileName} does not call ${name} rotatable: what it makes keeps the value that it got first`;
}

/** One that is not there yet would be taken whenever it comes, whatever its policy says. */
async function updateCauses({ spec }: Dependency, old: Dependency | undefined, objects: Objects): Promise<ErrorCause[]> {
  const { updateTo, profile: name } = spec;
  if (updateTo === undefined || updateTo === old?.spec.updateTo) return [];
  const profile = name === undefined ? undefined : await readProfile(name, objects);
  const generation = profile?.metadata.generation ?? 0;
  if (updateTo <= generation) return [];
  const message = profile === undefined ? "it has no profile yet" : `the newest generation of DependencyProfile ${name ?? ""} is ${generation}`;
  return [{ field: "spec.updateTo", reason: "FieldValueInvalid", message: `Invalid value: ${updateTo}: ${message}` }];
}

async function rematchCauses({ spec }: Dependency, old: Dependency | undefined, objects: Objects): Promise<ErrorCause[]> {
  const name = spec.rematchTo;
  if (name === undefined || name === old?.spec.rematchTo) return [];
  const environment = await readEnvironment(spec.environment, objects);
  const place = environment === undefined ? undefined : await matchPlaceOf({ environment, runtime: spec.runtime ?? environment.spec.runtime }, objects);
  const why = whyNotMet(spec, await readProfile(name, objects), place);
  return why === undefined ? [] : [{ field: "spec.rematchTo", reason: "FieldValueInvalid", message: `Invalid value: ${name}: ${why}` }];
}

async function readEnvironment(name: string, objects: Objects): Promise<Environment | undefined> {
  return objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name });
}

function whyNotMet(spec: Dependency["spec"], profile: DependencyProfile | undefined, place: MatchPlace | undefined): string | undefined {
  if (profile === undefined) return "there is no such DependencyProfile; tptctl profile list shows what there is";
  const { type, class: sort } = profile.spec;
  if (type !== spec.type || sort !== spec.class) return `it is for type ${type} and class ${sort}, and this is ${spec.type} of class ${spec.class}`;
  return place === undefined ? undefined : misfitOf(profile, place);
}
