import { type PlatformError, toPlatformError, type ErrorCode } from "@threeport/resource";
import type { Cluster } from "../connection/cluster.ts";
import { explainDeployerRefusal } from "../confinement/access.ts";
import { explainApplyError } from "../health/index.ts";
import { idWords } from "../identity.ts";
import { applyToCluster } from "./apply-object.ts";
import { withoutScaledReplicas } from "./autoscaled.ts";
import { definitionsEstablished } from "./definitions-established.ts";
import { objectIdOf, writeEntry, type Entry } from "./entry.ts";
import { byRank, customResourceDefinitionRank, rankOf } from "./order.ts";
import { eachParallel } from "./parallel.ts";
import type { Planned } from "./plan.ts";
import { applyParallel, type Run } from "./run.ts";
import { withSecretValues } from "./with-secret-values.ts";
import { carried, detailOf } from "./write-ahead.ts";

/** Applies what is planned, in order (C3). What the cluster says about one object is noted at its entry, and the others go on. */
export async function applyAll(run: Run, input: { cluster: Cluster; plan: readonly Planned[]; entries: Map<string, Entry>; adopt: boolean }): Promise<void> {
  const { context } = run;
  for (const group of byRank(input.plan, (planned) => planned.desired.object)) {
    await eachParallel(group, applyParallel, (planned) => applyOne(run, { ...input, planned }));
    const first = group[0];
    if (first !== undefined && rankOf(first.desired.object) === customResourceDefinitionRank) await definitionsEstablished(input.cluster, group, context);
  }
}

async function applyOne(run: Run, input: { cluster: Cluster; planned: Planned; entries: Map<string, Entry>; adopt: boolean }): Promise<void> {
  const { context, identity, set } = run;
  const { desired, digest, reason, access } = input.planned;
  const known = input.entries.get(desired.id);
  try {
    if (access.refused !== undefined) throw access.refused;
    const before = input.cluster.cache.byId(desired.id)?.metadata.resourceVersion;
    const { cluster } = input;
    const whole = await withSecretValues(desired.object, context, set.metadata.namespace ?? "");
    // What is new has the replicas that were written; from then on an autoscaler decides, if there is one.
    const isThere = known?.state === "applied" && (reason === "changed" || reason === "drift");
    const live = await applyToCluster({
      cluster,
      object: isThere
        ? await withoutScaledReplicas({ cluster, object: whole, controlPlaneId: identity.controlPlaneId, user: access.user, signal: context.signal })
        : whole,
      identity,
      knownUid: known?.state === "applied" ? known.uid : "",
      adopt: input.adopt,
      user: access.user,
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
    const mended = reason === "drift" ? resourceVersion !== before : reason === "missing" || reason === "replaced";
    if (mended && resourceVersion !== known?.detail.resourceVersion) {
      await context.event(set, {
        type: "Normal",
        reason: "DriftMended",
        message: `${idWords(objectIdOf(detailOf(desired, { digest })))} was ${reason === "missing" ? "deleted" : "changed"} in the cluster and is as declared again`,
      });
    }
  } catch (thrown) {
    context.signal.throwIfAborted(); // our own stop is nothing that the cluster said
    const told = toPlatformError(thrown);
    const error = explainDeployerRefusal(set, desired.object, told) ?? told;
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
  "TP_NOT_ALLOWED",
  "TP_NOT_FOUND",
  "TP_OWNED_BY_ANOTHER",
  "TP_RUNTIME_REFUSED",
  "TP_TOO_LARGE",
  "TP_UNSUPPORTED_MEDIA_TYPE",
  "TP_VERSION_CONFLICT",
]);
