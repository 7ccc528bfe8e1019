// A WorkloadDefinition: its newest generation becomes a Release, old ones go, and it is Ready when all that follow it are.
import {
  conditionsOf,
  isReadyNow,
  recheck,
  settled,
  waiting,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  type Verdict,
  withFinalizer,
  withoutFinalizer,
} from "@threeport/engine";
import type { Helm } from "@threeport/module-helm";
import { isErrorCode, secretDigests, type Target } from "@threeport/resource";
import { releaseKind, workloadDefinitionKind, workloadInstanceKind, type Release, type WorkloadDefinition, type WorkloadInstance } from "./kinds/index.ts";
import { contentText, imagesIn, pinnedSource, sourceOf } from "./source.ts";

export const definitionFinalizer = "threeport.io/definition";
const definitionLabel = "threeport.io/definition";

/** Releases kept beside those in use, for rollbacks (design.md §6). */
const releasesKept = 20;
/** Users named in a message: enough to act on. */
const usersShown = 5;
const inUseRecheckMs = 30_000;
/** A definition is compared with its instances this often even when no wake-up came. */
const recheckMs = 3_600_000;

export function definitionReconciler({ helm }: { readonly helm: Pick<Helm, "pin"> }): Reconciler {
  return {
    queue: workloadDefinitionKind.resource,
    target: { apiVersion: workloadDefinitionKind.apiVersion, kind: workloadDefinitionKind.kind },
    async reconcile(key, context) {
      const found = await context.objects.get<WorkloadDefinition>({
        apiVersion: workloadDefinitionKind.apiVersion,
        kind: workloadDefinitionKind.kind,
        namespace: key.namespace,
        name: key.name,
      });
      if (found === undefined) return settled;
      const referring = await context.objects.list<WorkloadInstance>(workloadInstanceKind, { refersTo: targetOf(found) });
      const instances = referring.filter(({ spec }) => spec.definition === key.name); // others only call it
      if (found.metadata.deletionTimestamp !== undefined) return leave(found, instances, context);
      const definition = await withFinalizer(context.objects, found, definitionFinalizer);
      const releases = await releasesOf(definition, context);
      const latest =
        releases.find((release) => release.spec.definitionGeneration === definition.metadata.generation) ??
        (await makeRelease(definition, { releases, helm }, context));
      await forgetOld(definition, { releases, latest, instances }, context);
      await context.objects.patchStatus<WorkloadDefinition>({
        ...definition,
        status: {
          observedGeneration: definition.metadata.generation ?? 0,
          conditions: conditionsOf(definition, judge(latest, instances), context.clock),
          latestRelease: latest.metadata.name,
          instances: instances.length,
        },
      });
      return recheck(recheckMs);
    },
  };
}

async function releasesOf(definition: WorkloadDefinition, context: ReconcileContext): Promise<readonly Release[]> {
  const all = await context.objects.list<Release>(releaseKind, { refersTo: targetOf(definition) });
  return all
    .filter((release) => (release.metadata.ownerReferences ?? []).some((owner) => owner.uid === definition.metadata.uid))
    .toSorted((a, b) => b.spec.number - a.spec.number);
}

function targetOf(definition: WorkloadDefinition): Target {
  return { apiVersion: definition.apiVersion, kind: definition.kind, namespace: definition.metadata.namespace ?? "", name: definition.metadata.name };
}

/** A kill after the create is found by the generation on the next run: no generation gets two releases. */
async function makeRelease(
  definition: WorkloadDefinition,
  { releases, helm }: { readonly releases: readonly Release[]; readonly helm: Pick<Helm, "pin"> },
  context: ReconcileContext,
): Promise<Release> {
  const source = await pinnedSource(sourceOf(definition.spec.source), helm, context.signal);
  const content = await context.blobs.put(contentText(source));
  const values = source.kind === "manifests" ? secretDigests(source.objects) : [];
  for (let number = (releases[0]?.spec.number ?? 0) + 1; ; number++) {
    try {
      return await context.objects.create<Release>({
        apiVersion: releaseKind.apiVersion,
        kind: releaseKind.kind,
        metadata: {
          name: `${definition.metadata.name}-${number}`,
          namespace: definition.metadata.namespace ?? "",
          labels: definition.metadata.name.length <= 63 ? { [definitionLabel]: definition.metadata.name } : {},
          ownerReferences: [
            {
              apiVersion: definition.apiVersion,
              kind: definition.kind,
              name: definition.metadata.name,
              uid: definition.metadata.uid ?? "",
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        spec: {
          definition: definition.metadata.name,
          number,
          definitionGeneration: definition.metadata.generation ?? 0,
          content,
          ...(values.length === 0 ? {} : { values }),
          images: imagesIn(source),
        },
      });
    } catch (error) {
      // The name belongs to a release of an earlier definition of this name that is still going.
      if (!isErrorCode(error, "TP_ALREADY_EXISTS") || number > (releases[0]?.spec.number ?? 0) + 1_000) throw error;
    }
  }
}

async function forgetOld(
  definition: WorkloadDefinition,
  state: { releases: readonly Release[]; latest: Release; instances: readonly WorkloadInstance[] },
  context: ReconcileContext,
): Promise<void> {
  const used = new Set([state.latest.metadata.name, ...state.instances.flatMap((instance) => [instance.spec.release, instance.status?.release ?? ""])]);
  const newestFirst = state.releases.includes(state.latest) ? state.releases : [state.latest, ...state.releases];
  const surplus = newestFirst.slice(releasesKept).filter((release) => !used.has(release.metadata.name) && release.metadata.deletionTimestamp === undefined);
  for (const release of surplus)
    await context.objects.delete(
      { apiVersion: releaseKind.apiVersion, kind: releaseKind.kind, namespace: definition.metadata.namespace ?? "", name: release.metadata.name },
      { uid: release.metadata.uid ?? "" },
    );
}

/** §5.8: Ready when every instance that follows runs this release and is healthy; a pinned one is not waited for. */
function judge(latest: Release, instances: readonly WorkloadInstance[]): Verdict {
  const following = instances.filter((instance) => instance.spec.release === "latest");
  if (following.length === 0) {
    return {
      state: "ready",
      reason: instances.length === 0 ? "NotDeployed" : "NoFollowers",
      message:
        instances.length === 0 ? `release ${latest.metadata.name} is ready to be deployed; no instance uses it yet` : "all instances are pinned to a release",
    };
  }
  const behind = following.filter((instance) => instance.status?.release !== latest.metadata.name || !isReadyNow(instance));
  if (behind.length === 0)
    return {
      state: "ready",
      reason: "Deployed",
      message: `${following.length === 1 ? "1 instance runs" : `${following.length} instances run`} release ${latest.metadata.name} and ${following.length === 1 ? "is" : "are"} healthy`,
    };
  const stalled = behind.find((instance) => conditionOf(instance, "Stalled") === "True");
  const told = (stalled ?? behind[0])?.status?.conditions?.find((condition) => condition.type === "Ready")?.message;
  const names = behind.slice(0, usersShown).map((instance) => instance.metadata.name);
  return {
    state: stalled === undefined ? "reconciling" : "stalled",
    reason: stalled === undefined ? "Deploying" : "InstanceStalled",
    message: `${behind.length} of ${following.length} instances do not run release ${latest.metadata.name} healthily: ${names.join(", ")}${told === undefined ? "" : `; ${told}`}`,
  };
}

function conditionOf(instance: WorkloadInstance, type: string): string | undefined {
  return instance.status?.conditions?.find((condition) => condition.type === type)?.status;
}

/** §5.7: a definition in use accepts deletion and stays Terminating, naming its users. */
async function leave(definition: WorkloadDefinition, instances: readonly WorkloadInstance[], context: ReconcileContext): Promise<Outcome> {
  if (!(definition.metadata.finalizers ?? []).includes(definitionFinalizer)) return settled;
  if (instances.length > 0) {
    const names = instances.slice(0, usersShown).map((instance) => instance.metadata.name);
    const message = `in use by ${instances.length === 1 ? "instance" : "instances"} ${names.join(", ")}${instances.length > usersShown ? " and others" : ""}; delete them first`;
    await context.objects.patchStatus<WorkloadDefinition>({
      ...definition,
      status: { ...definition.status, conditions: conditionsOf(definition, { state: "reconciling", reason: "InUse", message }, context.clock) },
    });
    return waiting(message, inUseRecheckMs);
  }
  await withoutFinalizer(context.objects, definition, definitionFinalizer);
  return settled;
}
