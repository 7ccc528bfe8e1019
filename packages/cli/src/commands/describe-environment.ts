import { systemClock } from "@threeport/platform";
import { addQuantities, formatQuantity, parseQuantity, type Quantity } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { conditionOf, dependency, environment, readyOf, workloadInstance, type Environment, type Observed, type WorkloadInstance } from "../kinds.ts";
import { tableLines } from "../output/table.ts";
import { durationText } from "../parse.ts";
import { plainText } from "../output/terminal.ts";
import { yamlText } from "../output/yaml.ts";

/** An environment: where it is, what it gives to workloads, and how they are. */
export async function describeEnvironment(this: CliContext, _flags: Record<never, never>, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const [found, instances, dependencies] = await Promise.all([
    client.get<Environment>({ ...environment, name }, { signal }),
    client.list<WorkloadInstance>(workloadInstance, { signal }),
    client.list<Dependency>(dependency, { signal }),
  ]);
  const [ready, why] = readyOf(found);
  const spec = found.spec ?? {};
  const users = instances.items.filter((instance) => instance.spec.environment === name);
  const provided = dependencies.items.filter((each) => each.spec?.environment === name);
  const requested = { workloads: users.length, dependencies: provided.length, cpu: sumOf(users, "cpu"), memory: sumOf(users, "memory") };
  const facts = { name, ...spec, ...lifeOf(found), requested, ready: `${ready} (${why})` };
  for (const line of yamlText(facts).trimEnd().split("\n")) say(this, plainText(line));
  say(this, users.length === 0 ? "deployments: none" : "deployments:");
  const rows = users.map((instance) => {
    const { metadata, status } = instance;
    const [state] = readyOf(instance);
    const { cpu, memory } = status?.requests ?? {};
    return [metadata.namespace, metadata.name, state, conditionOf(instance, "Ready")?.reason, status?.release, status?.objects, cpu, memory];
  });
  const columns = ["Project", "Deployment", "Ready", "Reason", "Release", "Objects", "CPU", "Memory"];
  if (users.length > 0) for (const line of tableLines({ columns, rows })) say(this, `  ${line}`);
  if (provided.length === 0) return;
  say(this, "dependencies:");
  for (const line of tableLines(dependencyTable(provided))) say(this, `  ${line}`);
}

interface Dependency extends Observed {
  readonly spec?: { readonly environment?: string; readonly type?: string; readonly profile?: string };
  readonly status?: Observed["status"] & { readonly users?: readonly string[] };
}

function dependencyTable(dependencies: readonly Dependency[]) {
  const columns = ["Project", "Dependency", "Ready", "Reason", "Type", "Profile", "Users"];
  const rows = dependencies.map((each) => [
    each.metadata.namespace,
    each.metadata.name,
    readyOf(each)[0],
    conditionOf(each, "Ready")?.reason,
    each.spec?.type,
    each.spec?.profile,
    each.status?.users?.length ?? 0,
  ]);
  return { columns, rows };
}

/** When it ends, and what it was taken from. */
function lifeOf({ status, metadata }: Environment): object {
  const { expiresAt, clone } = status ?? {};
  const leftMs = expiresAt === undefined ? 0 : Date.parse(expiresAt) - systemClock.now();
  return {
    ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
    ...(expiresAt === undefined ? {} : { expires: `${expiresAt} (${leftMs > 0 ? `in ${durationText(leftMs)}` : "over"})` }),
    ...(clone === undefined ? {} : { cloned: { at: clone.at, deployments: clone.deployments } }),
  };
}

/** What the pods of all of them ask for. */
function sumOf(instances: readonly WorkloadInstance[], resource: "cpu" | "memory"): string {
  const shares = instances.flatMap(({ status }) => (status?.requests === undefined ? [] : [parseQuantity(status.requests[resource])]));
  return formatQuantity(shares.reduce<Quantity>(addQuantities, { nanos: 0n, format: "DecimalSI" }));
}
