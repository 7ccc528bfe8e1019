// A profile as a dependency took it: what changed of it since reaches the dependency by the profile's own policy, and by command.
import { createHash } from "node:crypto";
import type { ReconcileContext } from "@threeport/engine";
import { PlatformError } from "@threeport/resource";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";

type Taken = NonNullable<Dependency["spec"]["taken"]>;
export type Update = NonNullable<NonNullable<Dependency["status"]>["update"]>;

interface InUse {
  readonly dependency: Dependency;
  /** With the spec that the dependency is made from. */
  readonly profile: DependencyProfile;
  /** A newer generation that waits. */
  readonly update?: Update;
}

/** What is bound together with the profile. */
export async function takeProfile({ metadata, spec }: DependencyProfile, { blobs }: Pick<ReconcileContext, "blobs">): Promise<Taken> {
  return { profile: metadata.name, generation: metadata.generation ?? 0, content: await blobs.put(JSON.stringify(spec)) };
}

/**
 * The profile as the dependency has it, after it has taken what it may take now. The content is in the store before the dependency names it.
 * @param deployments of its users, by their claims; see `Update`
 */
export async function profileInUse(
  dependency: Dependency,
  { profile, deployments }: { readonly profile: DependencyProfile; readonly deployments: Readonly<Record<string, string>> },
  context: Pick<ReconcileContext, "objects" | "blobs">,
): Promise<InUse> {
  const { taken, updateTo = 0 } = dependency.spec;
  const { generation = 0, name } = profile.metadata;
  if (taken?.profile === name && taken.generation === generation) return { dependency, profile };
  const before = taken?.profile === name ? taken : undefined;
  const { updatePolicy = "Automatic" } = profile.spec;
  const noticed = dependency.status?.update;
  const waits = noticed?.generation === generation && noticed.policy === updatePolicy && updateTo < generation;
  // Looking again at what waits stores nothing.
  if (before !== undefined && waits) return { dependency, profile: { ...profile, spec: await specOf(before, context) }, update: noticed };
  const content = await context.blobs.put(JSON.stringify(profile.spec));
  // Another policy alone changes nothing of what is made.
  if (before === undefined || updatePolicy === "Automatic" || updateTo >= generation || before.content === content) {
    const draft = { ...dependency, spec: { ...dependency.spec, taken: { profile: name, generation, content } } };
    return { dependency: (await context.objects.commit<Dependency>(dependency, draft)) ?? draft, profile };
  }
  const update: Update = { generation, policy: updatePolicy, ...(updatePolicy === "OnDeploy" ? { deployments: { ...deployments } } : {}) };
  return { dependency, profile: { ...profile, spec: await specOf(before, context) }, update };
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
