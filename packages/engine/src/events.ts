import { createHash } from "node:crypto";
import { rfc3339, type Clock, type Logger } from "@threeport/platform";
import type { KubeObject, Objects } from "@threeport/resource";

export interface EventInput {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Longest message of an event, as upstream. */
const messageMax = 1024;
/** Characters kept of the name of what an event is about: with the digest it stays below the 253 of a name. */
const nameMax = 200;
/** Name characters of the digest: equal events meet in one object. */
const digestLength = 16;

/** Writes an event, or counts one more; events that differ in numbers only are the same one. An event that cannot be written is no reason to fail the work it tells of. */
export async function recordEvent(
  objects: Objects,
  about: KubeObject,
  event: EventInput,
  tools: { readonly clock: Clock; readonly log: Logger; readonly component: string },
): Promise<void> {
  const namespace = about.metadata.namespace ?? "default";
  const digest = createHash("sha256")
    .update([about.metadata.uid, event.type, event.reason, event.message.replaceAll(/\d+/g, "#")].join("\n"))
    .digest("hex")
    .slice(0, digestLength);
  const name = `${about.metadata.name.slice(0, nameMax).replace(/[^a-z0-9]+$/, "")}.${digest}`;
  const now = rfc3339(tools.clock.now());
  try {
    const known = await objects.get({ apiVersion: "v1", kind: "Event", namespace, name });
    await objects.apply({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        ...(about.metadata.namespace === undefined ? {} : { namespace: about.metadata.namespace }),
        ...(about.metadata.uid === undefined ? {} : { uid: about.metadata.uid }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, messageMax),
      source: { component: tools.component },
      reportingComponent: tools.component,
      firstTimestamp: (known?.["firstTimestamp"] as string | undefined) ?? now,
      lastTimestamp: now,
      count: ((known?.["count"] as number | undefined) ?? 0) + 1,
    });
  } catch (error) {
    tools.log.debug("an event could not be written", { reason: event.reason, error: String(error) });
  }
}
