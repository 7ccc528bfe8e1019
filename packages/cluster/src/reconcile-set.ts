// What a ResourceSet means (design.md D2, §5.9). One run: read everything, write ahead, apply in order, prune, judge, write the result once.
import { isErrorCode, PlatformError, toPlatformError, type ErrorCode, type KubeObject } from "@threeport/resource";
import {
  conditionsOf,
  recheck,
  settled,
  waiting,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  type ReconcileKey,
  withFinalizer,
  withoutFinalizer,
} from "@threeport/engine";
import { applyToCluster } from "./apply/apply-object.ts";
import { desiredObjects, hasUnknownKinds, type Desired } from "./apply/desired.ts";
import { applyReason, type ApplyReason } from "./apply/drift.ts";
import { objectIdOf, outlivesSet, readEntry, writeEntry, type Entry, type EntryDetail } from "./apply/entry.ts";
import { byRank, customResourceDefinitionRank, rankOf } from "./apply/order.ts";
import { eachParallel } from "./apply/parallel.ts";
import { removeFromCluster } from "./apply/prune.ts";
import type { Cluster } from "./connection/cluster.ts";
import { explainApplyError } from "./health/index.ts";
import { idWords } from "./identity.ts";
import { resourceSetKind, type ResourceSet } from "./kinds/resource-set.ts";
import type { SetIdentity } from "./marks.ts";
import { isWorkload, judgeSet } from "./judge-set.ts";

/** Holds a set until its objects are gone from the cluster. */
export const resourceSetFinalizer = "threeport.io/resource-set";

export interface ResourceSetOptions {
  readonly controlPlaneId: string;
  /** The connection to a runtime. Throws a classified error when it cannot be used now; `gone` when the runtime does not exist any more. */
  readonly clusterFor: (runtime: string, context: ReconcileContext) => Promise<Cluster | "gone">;
  /** HMAC of content that may be secret. */
  readonly digest: (content: string) => string;
}

/** Calls to one cluster at the same time on behalf of one set: quick for large sets, polite to small API servers. */
const applyParallel = 8;
/** A healthy set is compared with the cluster this often even when no watch tells anything. */
const healthyRecheckMs = 3_600_000;
const removalRecheckMs = 1_000;
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
      if (set.metadata.deletionTimestamp !== undefined) return tearDown(options, { set, identity, key, context });
      return converge(options, { set: await withFinalizer(context.objects, set, resourceSetFinalizer), identity, key, context });
    },
  };
}

interface Run {
  readonly set: ResourceSet;
  readonly identity: SetIdentity;
  readonly key: ReconcileKey;
  readonly context: ReconcileContext;
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
  const discovery = hasUnknownKinds(set, known) ? await cluster.call(() => known.refresh(context.signal)) : known;
  const desired = desiredObjects(set, identity, discovery);
  const entries = new Map((await context.inventory.list(identity.uid)).map((row) => [row.id, readEntry(row)]));
  const before = new Map(entries);
  const complete = await followKinds(cluster, desired, context.signal);

  const reached = openWaves(run, { desired, entries, cluster });
  const plan = planOf(options, { desired: desired.filter((object) => object.wave <= reached), entries, complete, cluster });
  await writeAhead(plan, { entries, context, identity });
  await applyAll(run, { cluster, plan, entries, adopt: set.spec.adopt === "IfUnowned" });
  // Kinds that came with this set are served only now.
  await followKinds(
    cluster,
    desired.filter(({ object }) => discovery.byKind(object.apiVersion, object.kind) === undefined),
    context.signal,
  );
  const left = await prune(run, { cluster, desired, entries });

  const judged = judgeSet({ set, desired, entries, cluster, nowMs: context.clock.now(), pruning: left.going, keptEmpty: left.keptEmpty });
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
    refused: [...entries.values()].filter((entry) => entry.detail.refusal !== undefined),
    nowMs: context.clock.now(),
  });
}

/** The highest wave that may be applied: the first one in which something is not healthy yet, or the last (C3). */
function openWaves(run: Run, input: { desired: readonly Desired[]; entries: ReadonlyMap<string, Entry>; cluster: Cluster }): number {
  const waves = [...new Set(input.desired.map((object) => object.wave))].toSorted((a, b) => a - b);
  for (const wave of waves.slice(0, -1)) {
    const judged = judgeSet({
      set: run.set,
      desired: input.desired.filter((object) => object.wave === wave),
      entries: input.entries,
      cluster: input.cluster,
      nowMs: run.context.clock.now(),
      pruning: 0,
      keptEmpty: false,
    });
    if (!judged.healthy) return wave;
  }
  return waves.at(-1) ?? 0;
}

interface Planned {
  readonly desired: Desired;
  readonly digest: string;
  readonly reason: ApplyReason;
}

function planOf(
  options: ResourceSetOptions,
  input: { desired: readonly Desired[]; entries: ReadonlyMap<string, Entry>; complete: ReadonlySet<string>; cluster: Cluster },
): Planned[] {
  return input.desired.flatMap((desired) => {
    const digest = options.digest(JSON.stringify(desired.object));
    const reason = applyReason(input.entries.get(desired.id), {
      digest,
      desired: desired.object,
      live: input.cluster.cache.byId(desired.id),
      complete: input.complete.has(kindText(desired.object)),
    });
    return reason === undefined ? [] : [{ desired, digest, reason }];
  });
}

function kindText(object: { apiVersion: string; kind: string }): string {
  return `${object.apiVersion}/${object.kind}`;
}

/** Watches all kinds of the set; returns those whose objects are completely known. A kind that is not served yet is not among them. */
async function followKinds(cluster: Cluster, desired: readonly Desired[], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const kinds = new Map(desired.map(({ object }) => [kindText(object), { apiVersion: object.apiVersion, kind: object.kind }]));
  const complete = new Set<string>();
  if (desired.length === 0) return complete;
  const discovery = await cluster.client.discover({ signal });
  await Promise.all(
    [...kinds].map(async ([text, kind]) => {
      if (discovery.byKind(kind.apiVersion, kind.kind) === undefined) return;
      if (await cluster.follow(kind, signal)) complete.add(text);
    }),
  );
  for (const { object } of desired)
    if (isWorkload(object.apiVersion) && object.metadata.namespace !== undefined) cluster.followChildren(object.metadata.namespace);
  return complete;
}

/** §5.5: entries stand in the inventory before the objects stand in the cluster; a lost answer is found again by its mark. */
async function writeAhead(plan: readonly Planned[], input: { entries: Map<string, Entry>; context: ReconcileContext; identity: SetIdentity }): Promise<void> {
  const fresh: Entry[] = plan.flatMap(({ desired, reason }) => {
    const known = input.entries.get(desired.id);
    if (known !== undefined && known.state !== "pruning" && reason !== "replaced" && reason !== "missing") return [];
    return [{ id: desired.id, uid: "", state: "pending" as const, detail: detailOf(desired, { digest: "", ...carried(known) }) }];
  });
  if (fresh.length === 0) return;
  await input.context.inventory.record(input.identity.uid, { put: fresh.map(writeEntry) });
  for (const entry of fresh) input.entries.set(entry.id, entry);
}

function detailOf(desired: Desired, more: Pick<EntryDetail, "digest"> & Partial<EntryDetail>): EntryDetail {
  const { apiVersion, kind, metadata } = desired.object;
  return {
    apiVersion,
    kind,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(desired.orphan ? { orphan: true } : {}),
    ...more,
  };
}

/** What stays true of an object over its applies. */
function carried(known: Entry | undefined): Pick<EntryDetail, "adopted" | "verdict"> {
  return { ...(known?.detail.adopted === true ? { adopted: true } : {}), ...(known?.detail.verdict === undefined ? {} : { verdict: known.detail.verdict }) };
}

async function applyAll(run: Run, input: { cluster: Cluster; plan: readonly Planned[]; entries: Map<string, Entry>; adopt: boolean }): Promise<void> {
  const { context } = run;
  for (const group of byRank(input.plan, (planned) => planned.desired.object)) {
    await eachParallel(group, applyParallel, (planned) => applyOne(run, { ...input, planned }));
    const first = group[0];
    if (first !== undefined && rankOf(first.desired.object) === customResourceDefinitionRank) await definitionsEstablished(input.cluster, group, context);
  }
}

async function applyOne(run: Run, input: { cluster: Cluster; planned: Planned; entries: Map<string, Entry>; adopt: boolean }): Promise<void> {
  const { context, identity, set } = run;
  const { desired, digest, reason } = input.planned;
  const known = input.entries.get(desired.id);
  try {
    const live = await applyToCluster({
      cluster: input.cluster,
      object: desired.object,
      identity,
      knownUid: known?.state === "applied" ? known.uid : "",
      adopt: input.adopt,
      async beforeMaking(adoption) {
        const entry: Entry = {
          id: desired.id,
          uid: "",
          state: "pending",
          detail: detailOf(desired, { digest: "", ...carried(known), ...(adoption ? { adopted: true } : {}) }),
        };
        await context.inventory.record(identity.uid, { put: [writeEntry(entry)] });
        input.entries.set(desired.id, entry);
      },
      signal: context.signal,
    });
    const { resourceVersion, generation, uid } = live.metadata;
    input.entries.set(desired.id, {
      id: desired.id,
      uid,
      state: "applied",
      detail: detailOf(desired, { digest, resourceVersion, ...(generation === undefined ? {} : { generation }), ...carried(input.entries.get(desired.id)) }),
    });
    // The answer is newer than the watch: what is judged right after the apply must not be the state before it.
    input.cluster.note(live);
    if ((reason === "missing" || reason === "drift" || reason === "replaced") && resourceVersion !== known?.detail.resourceVersion) {
      await context.event(set, {
        type: "Normal",
        reason: "DriftMended",
        message: `${idWords(objectIdOf(detailOf(desired, { digest })))} was ${reason === "missing" ? "deleted" : "changed"} in the cluster and is as declared again`,
      });
    }
  } catch (thrown) {
    context.signal.throwIfAborted(); // our own stop is nothing that the cluster said
    const error = toPlatformError(thrown);
    if (!isRefusal(error)) throw error;
    const id = objectIdOf(detailOf(desired, { digest }));
    const refusal = explainApplyError(error, id);
    const base = known ?? { id: desired.id, uid: "", state: "pending" as const, detail: detailOf(desired, { digest: "" }) };
    if (known?.detail.refusal?.message !== refusal.message)
      await context.event(set, { type: "Warning", reason: refusal.reason, message: `${idWords(id)}: ${refusal.message}` });
    input.entries.set(desired.id, { ...base, detail: { ...base.detail, refusal } });
  }
}

/** The cluster answered about this object; anything else (unreachable, stopped, our own failures) ends the run. */
function isRefusal(error: PlatformError): boolean {
  const { httpStatus } = error.detail;
  // kube-apiserver answers 500 to an object that does not fit its schema (see explainApplyError); our own failures carry no status.
  if (error.code === "TP_INTERNAL") return httpStatus !== undefined;
  return refusals.has(error.code);
}

const refusals: ReadonlySet<ErrorCode> = new Set([
  "TP_ALREADY_EXISTS",
  "TP_BAD_REQUEST",
  "TP_FORBIDDEN",
  "TP_INVALID",
  "TP_IN_USE",
  "TP_KIND_UNKNOWN",
  "TP_METHOD_NOT_ALLOWED",
  "TP_NOT_FOUND",
  "TP_OWNED_BY_ANOTHER",
  "TP_RUNTIME_REFUSED",
  "TP_TOO_LARGE",
  "TP_UNSUPPORTED_MEDIA_TYPE",
  "TP_VERSION_CONFLICT",
]);

/** Longest wait for new kinds inside one run; then the objects that need them are refused and tried again. */
const establishedMs = 10_000;
const establishedPollMs = 100;

/** C3: nothing of a kind is applied before its definition is Established and discovery shows it. */
async function definitionsEstablished(cluster: Cluster, group: readonly Planned[], context: ReconcileContext): Promise<void> {
  const definitions = group.filter(({ desired }) => desired.object.kind === "CustomResourceDefinition");
  if (definitions.length === 0) return;
  const until = context.clock.monotonic() + establishedMs;
  for (const { desired } of definitions) {
    while (context.clock.monotonic() < until) {
      const live = await cluster
        .call((client) =>
          client.get<KubeObject>(
            { apiVersion: desired.object.apiVersion, kind: desired.object.kind, name: desired.object.metadata.name },
            { signal: context.signal },
          ),
        )
        .catch((error: unknown) => {
          if (isErrorCode(error, "TP_NOT_FOUND")) return undefined; // its apply was refused: told there
          throw error;
        });
      if (live === undefined || isEstablished(live)) break;
      await context.clock.sleep(establishedPollMs, context.signal);
    }
  }
  const discovery = await cluster.call((client) => client.discover({ signal: context.signal }));
  await discovery.refresh(context.signal);
}

function isEstablished(definition: KubeObject): boolean {
  const conditions = (definition["status"] as { conditions?: { type?: string; status?: string }[] } | undefined)?.conditions ?? [];
  return conditions.some((condition) => condition.type === "Established" && condition.status === "True");
}

/** Removes what left the set. An empty set removes nothing: emptiness is more often a mistake than a wish (F12). */
async function prune(
  run: Run,
  input: { cluster: Cluster; desired: readonly Desired[]; entries: Map<string, Entry> },
): Promise<{ going: number; keptEmpty: boolean }> {
  const { set, context, identity } = run;
  const wanted = new Set(input.desired.map((desired) => desired.id));
  const surplus = [...input.entries.values()].filter((entry) => !wanted.has(entry.id));
  if (surplus.length === 0) return { going: 0, keptEmpty: false };
  if (!set.spec.prune) {
    for (const entry of surplus) input.entries.delete(entry.id);
    return { going: 0, keptEmpty: false };
  }
  if (wanted.size === 0) return { going: 0, keptEmpty: true };
  const wantedUids = new Set([...input.entries.values()].filter((entry) => wanted.has(entry.id) && entry.uid !== "").map((entry) => entry.uid));
  const going = await removeEntries(run, { cluster: input.cluster, surplus, entries: input.entries, wanted: wantedUids });
  if (going > 0)
    await context.inventory.record(identity.uid, {
      put: surplus.filter((entry) => input.entries.has(entry.id)).map((entry) => writeEntry({ ...entry, state: "pruning" })),
    });
  return { going, keptEmpty: false };
}

/** Removes entries of the highest rank that is left; lower ranks wait for it. Returns how many are still there. */
async function removeEntries(
  run: Run,
  input: { cluster: Cluster; surplus: readonly Entry[]; entries: Map<string, Entry>; wanted: ReadonlySet<string> },
): Promise<number> {
  let going = 0;
  for (const group of byRank(input.surplus, (entry) => entry.detail).toReversed()) {
    if (going > 0) {
      going += group.length;
      continue;
    }
    await eachParallel(group, applyParallel, async (entry) => {
      const removal = outlivesSet(entry.detail)
        ? "gone"
        : await removeFromCluster({ cluster: input.cluster, entry, identity: run.identity, wanted: input.wanted, signal: run.context.signal });
      if (removal === "gone") input.entries.delete(entry.id);
      else {
        going++;
        input.entries.set(entry.id, { ...entry, state: "pruning" });
      }
    });
  }
  return going;
}

/** §5.7: works from the inventory alone; never needs the runtime's objects to render. */
async function tearDown(options: ResourceSetOptions, run: Run): Promise<Outcome> {
  const { set, identity, context } = run;
  if (!(set.metadata.finalizers ?? []).includes(resourceSetFinalizer)) return settled;
  const rows = (await context.inventory.list(identity.uid)).map(readEntry);
  const entries = new Map(rows.map((entry) => [entry.id, entry]));
  const orphan = set.metadata.annotations?.["threeport.io/deletion-policy"] === "orphan";
  if (entries.size > 0 && !orphan) {
    const cluster = await options.clusterFor(set.spec.runtime, context);
    if (cluster !== "gone") {
      const going = await removeEntries(run, { cluster, surplus: rows, entries, wanted: new Set() });
      const gone = rows.filter((entry) => !entries.has(entry.id)).map((entry) => entry.id);
      await context.inventory.record(identity.uid, { remove: gone });
      if (going > 0) {
        const message = `${going} objects are being removed from ${set.spec.runtime}: ${[...entries.values()]
          .slice(0, 3)
          .map((entry) => idWords(objectIdOf(entry.detail)))
          .join(", ")}`;
        await context.objects.patchStatus<ResourceSet>({
          ...set,
          status: { ...set.status, conditions: conditionsOf(set, { state: "reconciling", reason: "Deleting", message }, context.clock) },
        });
        return waiting(message, removalRecheckMs);
      }
    }
  }
  await context.inventory.record(identity.uid, { remove: [...entries.keys(), ...rows.map((entry) => entry.id)] });
  await withoutFinalizer(context.objects, set, resourceSetFinalizer);
  return settled;
}

function sameEntry(a: Entry | undefined, b: Entry): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

function nextLook(
  judged: { readonly recheckAtMs: number | undefined; readonly healthy: boolean },
  input: { going: number; refused: readonly Entry[]; nowMs: number },
): Outcome {
  if (input.going > 0) return waiting("objects that are being removed", removalRecheckMs);
  if (input.refused.length > 0) {
    const since = Math.min(...input.refused.map((entry) => entry.detail.verdict?.since ?? input.nowMs));
    return waiting("the cluster to accept what it refused", Math.min(refusedRecheck.maxMs, Math.max(refusedRecheck.minMs, (input.nowMs - since) / 2)));
  }
  const untilRecheck = judged.recheckAtMs === undefined ? healthyRecheckMs : Math.max(100, judged.recheckAtMs - input.nowMs);
  if (judged.healthy) return recheck(Math.min(healthyRecheckMs, untilRecheck));
  return waiting("objects to become healthy", Math.min(60_000, untilRecheck));
}
