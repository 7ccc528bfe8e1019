import { createHash } from "node:crypto";
import { rfc3339, rfc3339Micro } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { fieldsOf, numberOf } from "./owned.ts";

/** Something that happened to an object. */
export interface Happened {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** Who tells it: `kubelet`, `default-scheduler`. */
  readonly component: string;
  readonly host?: string;
  /** The part of the object: `spec.containers{main}`. */
  readonly fieldPath?: string;
  /** Set by who writes events of the newer sort. */
  readonly action?: string;
}

/** Tells it by an Event; what was told before in the same words is counted there. */
export async function tellEvent(cluster: SimCluster, about: StoredObject, happened: Happened): Promise<void> {
  const namespace = about.metadata.namespace ?? "default";
  const name = `${about.metadata.name}.${nameEnd(about, happened)}`;
  const known = await cluster.objects.get({ apiVersion: "v1", kind: "Event", namespace, name });
  const nowMs = cluster.time.now();
  if (known !== undefined) {
    const again =
      happened.action === undefined
        ? { count: numberOf(known["count"], 1) + 1, lastTimestamp: rfc3339(nowMs) }
        : { series: { count: numberOf(fieldsOf(known["series"])["count"], 1) + 1, lastObservedTime: rfc3339Micro(nowMs) } };
    await cluster.objects.commit<StoredObject>(known, { ...known, ...again });
    return;
  }
  const { type, reason, message, component, host, fieldPath, action } = happened;
  const { uid, resourceVersion } = about.metadata;
  const told =
    action === undefined
      ? { source: { component, ...(host === undefined ? {} : { host }) }, firstTimestamp: rfc3339(nowMs), lastTimestamp: rfc3339(nowMs), count: 1 }
      : { eventTime: rfc3339Micro(nowMs), action };
  await cluster.objects
    .create({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        ...(about.metadata.namespace === undefined ? {} : { namespace }),
        name: about.metadata.name,
        uid,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message,
      reportingComponent: component,
      reportingInstance: host ?? component,
      ...told,
    })
    .catch((error: unknown) => {
      if (!isErrorCode(error, "TP_FORBIDDEN")) throw error; // its namespace is being emptied
    });
}

function nameEnd({ metadata }: StoredObject, { reason, message, fieldPath = "" }: Happened): string {
  return createHash("sha256").update([metadata.uid, reason, message, fieldPath].join("|")).digest("hex").slice(0, 16);
}
