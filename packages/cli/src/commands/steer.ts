import { systemClock, rfc3339 } from "@threeport/platform";
import type { KubeClient } from "@threeport/client";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, workloadInstance, type WorkloadInstance } from "../kinds.ts";

interface Flags {
  readonly namespace?: string;
}

export async function pause(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, name }, async (instance, write) => {
    const resume = `tptctl resume ${name}${ofProject(flags)} goes on`;
    if (instance.spec.paused === true) return say(this, `${name} is paused already; ${resume}`);
    await write({ paused: true });
    say(this, `${name} is paused: what runs stays as it is, and releases wait; ${resume}`);
  });
}

export async function resume(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, name }, async (instance, write) => {
    if (instance.spec.paused !== true) return say(this, `${name} is not paused`);
    await write({ paused: null });
    say(this, `${name} goes on; look at it with tptctl tree ${name}${ofProject(flags)}`);
  });
}

export async function restart(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, name }, async (instance, write) => {
    await write({ restartedAt: rfc3339(systemClock.now()) });
    const waits = instance.spec.paused === true ? `; it is paused: they come after tptctl resume ${name}${ofProject(flags)}` : "";
    say(this, `${name} gets new pods, by its own rules for a rolling update${waits}`);
  });
}

/** Reads the deployment, and changes fields of its spec: null removes one. */
async function steer(
  context: CliContext,
  { name, namespace = defaultProject }: Flags & { readonly name: string },
  body: (instance: WorkloadInstance, write: (spec: object) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  await using client: KubeClient = await connect(context);
  const target = { ...workloadInstance, namespace, name };
  const instance = await client.get<WorkloadInstance>(target, { signal });
  await body(instance, (spec) => client.patch(target, { spec }, { signal }));
}

function ofProject({ namespace = defaultProject }: Flags): string {
  return namespace === defaultProject ? "" : ` -n ${namespace}`;
}
