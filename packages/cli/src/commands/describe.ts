import { formatApiVersion, type Condition, type StoredObject } from "@threeport/resource";
import type { KubeClient } from "@threeport/client";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { readOne } from "../objects/selection.ts";
import { withoutSecretValues } from "../objects/without-secret-values.ts";
import { plainText } from "../output/terminal.ts";
import { tableLines } from "../output/table.ts";
import { yamlText } from "../output/yaml.ts";

/** The newest events that are printed. */
const eventsMax = 20;
/** Events of cluster-scoped objects are kept here, as in Kubernetes. */
const clusterEventsNamespace = "default";

interface Event {
  readonly metadata: { readonly creationTimestamp?: string };
  readonly involvedObject?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
}

export async function describe(this: CliContext, flags: { readonly namespace?: string }, ...args: string[]): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const { resource, name } = readOne(await client.discover({ signal }), args);
  const namespace = resource.namespaced ? (flags.namespace ?? defaultProject) : undefined;
  const object = await client.get<StoredObject>(
    { apiVersion: formatApiVersion(resource.group, resource.version), kind: resource.kind, name, namespace },
    { signal },
  );
  const { apiVersion, kind, metadata, status, ...rest } = withoutSecretValues(object) as StoredObject & {
    status?: Record<string, unknown> & { conditions?: Condition[] };
  };
  const { managedFields: _, ...shown } = metadata;
  section(
    this,
    yamlText({
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      kind: `${kind} (${apiVersion})`,
      ...withoutKeys(shown, ["name", "namespace"]),
    }),
  );
  if (Object.keys(rest).length > 0) section(this, yamlText(rest));
  const { conditions = [], ...facts } = status ?? {};
  if (Object.keys(facts).length > 0) section(this, yamlText({ status: facts }));
  if (conditions.length > 0) {
    table(
      this,
      "conditions",
      ["type", "status", "reason", "since", "message"],
      conditions.map((condition) => [
        condition.type,
        `${condition.status}${isOld(condition, metadata.generation) ? " (of an earlier generation)" : ""}`,
        condition.reason,
        condition.lastTransitionTime,
        condition.message,
      ]),
    );
  }
  const events = await eventsOf(client, object, signal);
  if (events.length > 0)
    table(
      this,
      "events",
      ["last seen", "type", "reason", "times", "message"],
      events.map((event) => [event.lastTimestamp, event.type, event.reason, event.count ?? 1, event.message]),
    );
}

function isOld(condition: Condition, generation: number | undefined): boolean {
  return condition.observedGeneration !== undefined && condition.observedGeneration !== (generation ?? 0);
}

function section(context: CliContext, text: string): void {
  for (const line of text.trimEnd().split("\n")) say(context, plainText(line));
}

function table(context: CliContext, title: string, columns: readonly string[], rows: readonly (readonly unknown[])[]): void {
  say(context, `${title}:`);
  for (const line of tableLines({ columns, rows })) say(context, `  ${line}`);
}

function withoutKeys(object: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

async function eventsOf(client: KubeClient, object: StoredObject, signal: AbortSignal): Promise<Event[]> {
  const namespace = object.metadata.namespace ?? clusterEventsNamespace;
  const all = (await client.list<Event>({ apiVersion: "v1", kind: "Event", namespace }, { signal })).items;
  const own = all.filter(({ involvedObject }) =>
    involvedObject?.uid === undefined
      ? involvedObject?.kind === object.kind && involvedObject.name === object.metadata.name
      : involvedObject.uid === object.metadata.uid,
  );
  return own.toSorted((a, b) => (a.lastTimestamp ?? "").localeCompare(b.lastTimestamp ?? "")).slice(-eventsMax);
}
