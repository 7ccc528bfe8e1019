import { createHash } from "node:crypto";
import type { KubeClient } from "@threeport/client";
import { rfc3339, type Clock } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";

export interface Told {
  readonly about: StoredObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

const component = "threeport-local";
const digestLength = 16;

/** An event of an object. The same words about the same object are one event, however often they are said. */
export async function tell(client: KubeClient, clock: Clock, { about, type, reason, message }: Told): Promise<void> {
  const { apiVersion, kind, metadata } = about;
  const namespace = metadata.namespace ?? "default";
  const digest = createHash("sha256").update(`${metadata.uid}\0${reason}\0${message}`).digest("hex").slice(0, digestLength);
  const now = rfc3339(clock.now());
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${metadata.name.slice(0, 200)}.${digest}`, namespace },
    involvedObject: { apiVersion, kind, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    type,
    reason,
    message,
    source: { component },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
  try {
    await client.create({ apiVersion: "v1", kind: "Event", namespace }, event);
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
  }
}
