import type { KubeClient } from "@threeport/client";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { tableLines } from "../output/table.ts";
import { plainText } from "../output/terminal.ts";
import { isHidden, readEvents, type ClusterEvent } from "../why/events.ts";

interface OwnEvent {
  readonly metadata: { readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

/** Events of a project, or of one deployment with those of its objects in the cluster; oldest first. */
export async function events(this: CliContext, flags: { readonly namespace?: string }, name?: string): Promise<void> {
  const { signal } = this;
  const namespace = flags.namespace ?? defaultProject;
  await using client = await connect(this);
  const instance = name === undefined ? undefined : (await findInstance(client, { namespace, name }, signal)).metadata.name;
  const own = (await client.list<OwnEvent>({ apiVersion: "v1", kind: "Event", namespace }, { signal })).items.map(eventOf);
  const found =
    instance === undefined
      ? own
      : [...own.filter(({ object }) => object.split("/")[1] === instance), ...(await ofCluster(this, client, { namespace, name: instance }))];
  if (found.length === 0) return note(this, `there are no events of ${instance ?? `project ${namespace}`} now`);
  const rows = found.toSorted((a, b) => (a.lastSeen < b.lastSeen ? -1 : 1));
  for (const line of tableLines({
    columns: ["Last seen", "Type", "Reason", "Object", "Message"],
    rows: rows.map(({ lastSeen, type, reason, object, message, count }) => [
      lastSeen,
      type,
      reason,
      object,
      plainText(`${message}${count > 1 ? ` (${count} times)` : ""}`),
    ]),
  }))
    say(this, line);
}

/** A cluster that does not answer hides only its own. */
async function ofCluster(
  context: CliContext,
  client: KubeClient,
  instance: { readonly namespace: string; readonly name: string },
): Promise<readonly ClusterEvent[]> {
  return readEvents(client, instance, context.signal).catch((error: unknown) => {
    if (!isHidden(error)) throw error;
    note(context, `warning: events of the cluster are left out: ${(error as Error).message}`);
    return [];
  });
}

function eventOf({ metadata, type, reason, message, count, lastTimestamp, involvedObject }: OwnEvent): ClusterEvent {
  return {
    type: type ?? "Normal",
    reason: reason ?? "",
    message: message ?? "",
    object: `${involvedObject?.kind ?? ""}/${involvedObject?.name ?? ""}`,
    lastSeen: lastTimestamp ?? metadata.creationTimestamp ?? "",
    count: count ?? 1,
  };
}
