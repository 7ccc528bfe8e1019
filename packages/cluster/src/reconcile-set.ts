// What a ResourceSet means (design.md D2, §5.9). One run: read everything, write ahead, apply in order, prune, judge, write the result once.
import type { Discovery } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { conditionsOf, recheck, settled, waiting, type Outcome, type ReconcileContext, type Reconciler, withFinalizer } from "@threeport/engine";
import { applyAll } from "./apply/apply-all.ts";
import { desiredObjects, hasUnknownKinds } from "./apply/desired.ts";
import { readEntry, writeEntry, type Entry } from "./apply/entry.ts";
import { followKinds } from "./apply/follow-kinds.ts";
import { openWaves, planOf } from "./apply/plan.ts";
import { prune, rememberLostCalls } from "./apply/prune-set.ts";
import type { Run } from "./apply/run.ts";
import { writeAhead } from "./apply/write-ahead.ts";
import type { Cluster } from "./connection/cluster.ts";
import { resourceSetKind, type ResourceSet } from "./kinds/resource-set.ts";
import type { SetIdentity } from "./marks.ts";
import { judgeSet } from "./judge-set.ts";
import { removalRecheckMs, resourceSetFinalizer, tearDown } from "./tear-down.ts";

export interface ResourceSetOptions {
  readonly controlPlaneId: string;
  /** The connection to a runtime. Throws a classified error when it cannot be used now; `gone` when the runtime does not exist any more. */
  readonly clusterFor: (runtime: string, context: ReconcileContext) => Promise<Cluster | "gone">;
  /** HMAC of content that may be secret. */
  readonly digest: (content: string) => string;
}

/** A healthy set is compared with the cluster this often even when no watch tells anything. */
const healthyRecheckMs = 3_600_000;
/** How soon refused objects are tried again: grows with the time that they have been refused. */
const refusedRecheck = { minMs: 2_000, maxMs: 300_000 };

export function resourceSetReconciler(options: ResourceSetOptions): Reconciler {
  return {
    queue: resourceSetKind.resource,
    target: { apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind },
    async reconcile(key, context) {
      const set = await context.objects.get<ResourceSet>({
        apiVersion: resourceSetKind.apiVersion,
        kind: resourceSetKind.kind,
        namespace: key.namespace,
        name: key.name,
      });
      if (set === undefined) return settled;
      const identity: SetIdentity = { controlPlaneId: options.controlPlaneId, uid: set.metadata.uid ?? "", key: key.text };
      if (set.metadata.deletionTimestamp !== undefined) return tearDown(options.clusterFor, { set, identity, key, context });
      return converge(options, { set: await withFinalizer(context.objects, set, resourceSetFinalizer), identity, key, context });
    },
  };
}

async function converge(options: ResourceSetOptions, run: Run): Promise<Outcome> {
  const { set, identity, context } = run;
  const cluster = await options.clusterFor(set.spec.runtime, context);
  if (cluster === "gone")
    throw new PlatformError("TP_NOT_FOUND", {
      message: `the runtime ${set.spec.runtime} does not exist any more; create it again, or delete this set`,
      detail: { conditionReason: "RuntimeNotFound" },
    });
  const known = await cluster.call((client) => client.discover({ signal: context.signal }));
  const entries = new Map((await context.inventory.list(identity.uid)).map((row) => [row.id, readEntry(row)]));
  const discovery =
    hasUnknownKinds(set, known) || hasMadeUnknownKinds(entries.values(), known) ? await cluster.call(() => known.refresh(context.signal)) : known;
  const desired = desiredObjects(set, identity, discovery);
  const before = new Map(entries);
  const complete = await followKinds(cluster, run.key.text, desired, context.signal);

  const reached = openWaves(run, { desired, entries, cluster });
  const plan = planOf(options.digest, { set, desired: desired.filter((object) => object.wave <= reached), entries, complete, cluster });
  await writeAhead(plan, { entries, context, identity });
  await applyAll(run, { cluster, plan, entries, adopt: set.spec.adopt === "IfUnowned" });
  // Kinds that came with this set are served only now.
  if (desired.some(({ object }) => discovery.byKind(object.apiVersion, object.kind) === undefined))
    await followKinds(cluster, run.key.text, desired, context.signal);
  rememberLostCalls(before, entries, context.clock.now());
  const left = await prune(run, { cluster, desired, entries });

  const judged = judgeSet({ set, desired, entries, cluster, nowMs: context.clock.now(), pruning: left.going, keptEmpty: left.keptEmpty, held: left.held });
  for (const [id, verdict] of judged.verdicts) {
    const entry = entries.get(id);
    if (entry !== undefined) entries.set(id, { ...entry, detail: { ...entry.detail, verdict } });
  }
  const changed = [...entries.values()].filter((entry) => !sameEntry(before.get(entry.id), entry));
  const gone = [...before.keys()].filter((id) => !entries.has(id));
  await context.inventory.record(identity.uid, { put: changed.map(writeEntry), remove: gone });
  const status = { ...judged.status, conditions: conditionsOf(set, judged.condition, context.clock) };
  await context.objects.patchStatus<ResourceSet>({ ...set, status: status as NonNullable<ResourceSet["status"]> });
  return nextLook(judged, {
    going: left.going,
    lookAgainMs: left.lookAgainMs,
    refused: [...entries.values()].filter((entry) => entry.detail.refusal !== undefined),
    nowMs: context.clock.now(),
  });
}

/** Another process brought the kinds with this set: what this one knows of the cluster is from before. */
function hasMadeUnknownKinds(entries: Iterable<Entry>, discovery: Discovery): boolean {
  return [...entries].some(({ state, detail }) => state === "applied" && discovery.byKind(detail.apiVersion, detail.kind) === undefined);
}

function sameEntry(a: Entry | undefined, b: Entry): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

function nextLook(
  judged: { readonly recheckAtMs: number | undefined; readonly healthy: boolean },
  input: { going: number; lookAgainMs: number | undefined; refused: readonly Entry[]; nowMs: number },
): Outcome {
  if (input.going > 0) return waiting("objects that are being removed", removalRecheckMs);
  if (input.refused.length > 0) {
    const since = Math.min(...input.refused.map((entry) => entry.detail.verdict?.since ?? input.nowMs));
    return waiting("the cluster to accept what it refused", Math.min(refusedRecheck.maxMs, Math.max(refusedRecheck.minMs, (input.nowMs - since) / 2)));
  }
  const recheckAtMs = Math.min(judged.recheckAtMs ?? Infinity, input.lookAgainMs ?? Infinity, input.nowMs + healthyRecheckMs);
  const untilRecheck = Math.max(100, recheckAtMs - input.nowMs);
  if (judged.healthy) return recheck(Math.min(healthyRecheckMs, untilRecheck));
  return waiting("objects to become healthy", Math.min(60_000, untilRecheck));
}
