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
  const facts = { name, ...spec, ready: `${ready} (${why})` };
  for (const line of yamlText(facts).trimEnd().split("\n")) say(this, plainText(line));
  const users = instances.items.filter((instance) => instance.spec.environment === name);
  say(this, users.length === 0 ? "deployments: none" : "deployments:");
  if (users.length === 0) return;
  const rows = users.map((instance) => {
    const { metadata, status } = instance;
    const [state] = readyOf(instance);
    return [metadata.namespace, metadata.name, state, conditionOf(instance, "Ready")?.reason, status?.release, status?.objects];
  });
  for (const line of tableLines({ columns: ["Project", "Deployment", "Ready", "Reason", "Release", "Objects"], rows })) say(this, `  ${line}`);
}
