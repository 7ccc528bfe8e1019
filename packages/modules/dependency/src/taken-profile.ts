// A profile as a dependency took it: what changed of it since reaches the dependency by the profile's own policy, and by command.
import { createHash } from "node:crypto";
import type { ReconcileContext } from "@threeport/engine";
import { PlatformError } from "@threeport/resource";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";

export type Taken = NonNullable<NonNullable<Dependency["status"]>["taken"]>;
export type Update = NonNullable<NonNullable<Dependency["status"]>["update"]>;

interface InUse {
  /** With the spec that the dependency is made from. */
  readonly profile: DependencyProfile;
  /** What its status is to say of it. */
  readonly taken: Taken;
  /** A newer generation that waits. */
  readonly update?: Update;
}

/**
 * The profile as the dependency has it, after it has taken what it may take now. That is told by its status at the end: whoever ends in between takes the same
 * again, since what lets it be taken stands in specs.
 * @param deployments of its users, by their claims; see `Update`
 */
export async function profileInUse(
  { spec, status }: Dependency,
  { profile, deployments }: { readonly profile: DependencyProfile; readonly deployments: Readonly<Record<string, string>> },
  { blobs }: Pick<ReconcileContext, "blobs">,
): Promise<InUse> {
  const { updateTo = 0 } = spec;
  const { generation = 0, name } = profile.metadata;
  const before = status?.taken?.profile === name ? status.taken : undefined;
  if (before?.generation === generation) return { profile, taken: before };
  const { updatePolicy = "Automatic" } = profile.spec;
  const noticed = status?.update;
  const waits = noticed?.generation === generation && noticed.policy === updatePolicy && updateTo < generation;
  // Looking again at what waits stores nothing.
  if (before !== undefined && waits) return { profile: { ...profile, spec: await specOf(before, { blobs }) }, taken: before, update: noticed };
  const content = await blobs.put(JSON.stringify(profile.spec));
  // Another policy alone changes nothing of what is made.
  if (before === undefined || updatePolicy === "Automatic" || updateTo >= generation || before.content === content)
    return { profile, taken: { profile: name, generation, content } };
  const update: Update = { generation, policy: updatePolicy, ...(updatePolicy === "OnDeploy" ? { deployments: { ...deployments } } : {}) };
  return { profile: { ...profile, spec: await specOf(before, { blobs }) }, taken: before, update };
}

async function specOf({ profile, content }: Taken, { blobs }: Pick<ReconcileContext, "blobs">): Promise<DependencyProfile["spec"]> {
  const text = await blobs.get(content);
  if (text === undefined)
    throw new PlatformError("TP_INTERNAL", {
      message: `the content of DependencyProfile ${profile} as it was taken is not in the store; restore it from a backup, or let the dependency take the present one: tptctl dependency update`,
    });
  return JSON.parse(text) as DependencyProfile["spec"];
}

/** On a claim: which deployment of the workload it belongs to. A change of it is a deployment; it changes nothing of the claim. */
export const deploymentAnnotation = "threeport.io/deployment";

/** The generation that a user's deployment makes the dependency take; undefined when none does. */
export function takenByDeployment(dependency: Dependency, claim: { readonly name: string; readonly deployment: string | undefined }): number | undefined {
  const { update } = dependency.status ?? {};
  if (update?.policy !== "OnDeploy" || claim.deployment === undefined || (dependency.spec.updateTo ?? 0) >= update.generation) return undefined;
  return update.deployments?.[claim.name] === claim.deployment ? undefined : update.generation;
}

/** Of the parts that make a deployment: its release, and when it was restarted. */
export function deploymentId(...parts: readonly (string | undefined)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** For people, behind what its status says. */
export function waitingUpdate({ metadata }: Dependency, { generation, policy }: Update): string {
  const when = policy === "OnDeploy" ? "the next deployment of a user takes it, or" : "it is taken by";
  return `generation ${generation} of its profile waits: ${when} tptctl dependency update ${metadata.name}`;
}
