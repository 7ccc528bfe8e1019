import { addQuantities, formatQuantity, parseQuantity, type Quantity } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { conditionOf, environment, readyOf, workloadInstance, type Observed, type WorkloadInstance } from "../kinds.ts";
import { tableLines } from "../output/table.ts";
import { plainText } from "../output/terminal.ts";
import { yamlText } from "../output/yaml.ts";

/** An environment: where it is, what it gives to workloads, and how they are. */
export async function describeEnvironment(this: CliContext, _flags: Record<never, never>, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const [found, instances] = await Promise.all([
    client.get<Observed>({ ...environment, name }, { signal }),
    client.list<WorkloadInstance>(workloadInstance, { signal }),
  ]);
  const [ready, why] = readyOf(found);
  const spec = found.spec ?? {};
  const users = instances.items.filter((instance) => instance.spec.environment === name);
  const requested = { workloads: users.length, cpu: sumOf(users, "cpu"), memory: sumOf(users, "memory") };
  const facts = { name, ...spec, requested, ready: `${ready} (${why})` };
  for (const line of yamlText(facts).trimEnd().split("\n")) say(this, plainText(line));
  say(this, users.length === 0 ? "deployments: none" : "deployments:");
  if (users.length === 0) return;
  const rows = users.map((instance) => {
    const { metadata, status } = instance;
    const [state] = readyOf(instance);
    const { cpu, memory } = status?.requests ?? {};
    return [metadata.namespace, metadata.name, state, conditionOf(instance, "Ready")?.reason, status?.release, status?.objects, cpu, memory];
  });
  const columns = ["Project", "Deployment", "Ready", "Reason", "Release", "Objects", "CPU", "Memory"];
  for (const line of tableLines({ columns, rows })) say(this, `  ${line}`);
}

/** What the pods of all of them ask for. */
function sumOf(instances: readonly WorkloadInstance[], resource: "cpu" | "memory"): string {
  const shares = instances.flatMap(({ status }) => (status?.requests === undefined ? [] : [parseQuantity(status.requests[resource])]));
  return formatQuantity(shares.reduce<Quantity>(addQuantities, { nanos: 0n, format: "DecimalSI" }));
}
