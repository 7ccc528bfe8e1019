import { isErrorCode, toPlatformError, type ErrorCode, type PlatformError, type StoredObject } from "@threeport/resource";
import { explainDeployerRefusal } from "../confinement/access.ts";
import type { Cluster } from "../connection/cluster.ts";
import { explainApplyError } from "../health/index.ts";
import { idWords } from "../identity.ts";
import { applyToCluster } from "./apply-object.ts";
import { withoutScaledReplicas } from "./autoscaled.ts";
import { objectIdOf, writeEntry, type Entry } from "./entry.ts";
import type { Planned } from "./plan.ts";
import type { Run } from "./run.ts";
import { withSecretValues } from "./with-secret-values.ts";
import { carried, detailOf } from "./write-ahead.ts";

interface Input {
  readonly cluster: Cluster;
  readonly planned: Planned;
  readonly entries: Map<string, Entry>;
  readonly adopt: boolean;
}

/** An API server decides about rights by what it heard of roles and bindings, and hears of a new one a moment after it answered that it has it. */
const hearing = { tries: 4, everyMs: 300 };

/** Applies one object and notes at its entry how it went. */
export async function applyOne(run: Run, input: Input): Promise<void> {
  const { planned, entries } = input;
  const known = entries.get(planned.desired.id);
  const before = input.cluster.cache.byId(planned.desired.id)?.metadata.resourceVersion;
  let live: StoredObject;
  try {
    if (planned.access.refused !== undefined) throw planned.access.refused;
    live = await sendAsUser(run, input, known);
  } catch (thrown) {
    run.context.signal.throwIfAborted(); // our own stop is nothing that the cluster said
    return noteRefusal(run, input, { known, thrown });
  }
  const { resourceVersion, generation, uid } = live.metadata;
  entries.set(planned.desired.id, {
    id: planned.desired.id,
    uid,
    state: "applied",
    detail: detailOf(planned.desired, {
      digest: planned.digest,
      resourceVersion,
      ...(generation === undefined ? {} : { generation }),
      ...carried(entries.get(planned.desired.id)),
    }),
  });
  // The answer is newer than the watch: what is judged right after the apply must not be the state before it.
  input.cluster.note(live);
  // Scaling, for one, is a change that asks for no mending: then nothing was written.
  const { reason } = planned;
  const mended = reason === "drift" ? resourceVersion !== before : reason === "missing" || reason === "replaced";
  if (mended && resourceVersion !== known?.detail.resourceVersion) {
    await run.context.event(run.set, {
      type: "Normal",
      reason: "DriftMended",
      message: `${idWords(objectIdOf(detailOf(planned.desired, { digest: "" })))} was ${reason === "missing" ? "deleted" : "changed"} in the cluster and is as declared again`,
    });
  }
}

async function sendAsUser(run: Run, input: Input, known: Entry | undefined): Promise<StoredObject> {
  const tries = input.planned.access.user !== undefined && known?.detail.refusal === undefined ? hearing.tries : 1;
  for (let count = 1; ; count++) {
    try {
      return await send(run, input, known);
    } catch (error) {
      if (count >= tries || !(isErrorCode(error, "TP_FORBIDDEN") || isErrorCode(error, "TP_NOT_FOUND"))) throw error;
      await run.context.clock.sleep(hearing.everyMs, run.context.signal);
    }
  }
}

async function send(run: Run, { cluster, planned, entries, adopt }: Input, known: Entry | undefined): Promise<StoredObject> {
  const { context, identity, set } = run;
  const { desired, reason } = planned;
  const { user } = planned.access;
  const { signal } = context;
  const whole = await withSecretValues(desired.object, context, set.metadata.namespace ?? "");
  // What is new has the replicas that were written; from then on an autoscaler decides, if there is one.
  const isThere = known?.state === "applied" && (reason === "changed" || reason === "drift");
  return applyToCluster({
    cluster,
    object: isThere ? await withoutScaledReplicas({ cluster, object: whole, controlPlaneId: identity.controlPlaneId, user, signal }) : whole,
    identity,
    knownUid: known?.state === "applied" ? known.uid : "",
    adopt,
    user,
    async beforeMaking(adoption) {
      const entry: Entry = {
        id: desired.id,
        uid: "",
        state: "pending",
        detail: detailOf(desired, { digest: "", ...carried(known), ...(adoption ? { adopted: true } : {}) }),
      };
      await context.inventory.record(identity.uid, { put: [writeEntry(entry)] });
      entries.set(desired.id, entry);
    },
    signal,
  });
}

async function noteRefusal(run: Run, { planned, entries }: Input, { known, thrown }: { known: Entry | undefined; thrown: unknown }): Promise<void> {
  const { desired } = planned;
  const told = toPlatformError(thrown);
  const error = explainDeployerRefusal(run.set, desired.object, told) ?? told;
  if (!isRefusal(error)) throw error;
  const id = objectIdOf(detailOf(desired, { digest: "" }));
  const refusal = explainApplyError(error, id);
  const base = known ?? { id: desired.id, uid: "", state: "pending" as const, detail: detailOf(desired, { digest: "" }) };
  if (known?.detail.refusal?.message !== refusal.message)
    await run.context.event(run.set, { type: "Warning", reason: refusal.reason, message: `${idWords(id)}: ${refusal.message}` });
  entries.set(desired.id, { ...base, detail: { ...base.detail, refusal } });
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
