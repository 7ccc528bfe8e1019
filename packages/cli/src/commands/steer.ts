import { systemClock, rfc3339 } from "@threeport/platform";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, projectFlag, workloadInstance, type WorkloadInstance } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";

interface Flags {
  readonly namespace?: string;
}

export async function pause(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, asked: name }, async ({ instance, name, write }) => {
    const resume = `tptctl resume ${name}${projectFlag(flags.namespace)} goes on`;
    if (instance.spec.paused === true) return say(this, `${name} is paused already; ${resume}`);
    await write({ paused: true });
    say(this, `${name} is paused: what runs stays as it is, and releases wait; ${resume}`);
  });
}

export async function resume(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, asked: name }, async ({ instance, name, write }) => {
    if (instance.spec.paused !== true) return say(this, `${name} is not paused`);
    await write({ paused: null });
    say(this, `${name} goes on; look at it with tptctl tree ${name}${projectFlag(flags.namespace)}`);
  });
}

export async function restart(this: CliContext, flags: Flags, name: string): Promise<void> {
  await steer(this, { ...flags, asked: name }, async ({ instance, name, write }) => {
    await write({ restartedAt: rfc3339(systemClock.now()) });
    const waits = instance.spec.paused === true ? `; it is paused: they come after tptctl resume ${name}${projectFlag(flags.namespace)}` : "";
    say(this, `${name} gets new pods, by its own rules for a rolling update${waits}`);
  });
}

interface Steered {
  readonly instance: WorkloadInstance;
  readonly name: string;
  /** Changes fields of its spec: null removes one. */
  readonly write: (spec: object) => Promise<unknown>;
}

async function steer(
  context: CliContext,
  { asked, namespace = defaultProject }: Flags & { readonly asked: string },
  body: (steered: Steered) => Promise<void>,
): Promise<void> {
  const { signal } = context;
  await using client = await connect(context);
  const instance = await findInstance(client, { namespace, name: asked }, signal);
  const { name } = instance.metadata;
  await body({ instance, name, write: (spec) => client.patch({ ...workloadInstance, namespace, name }, { spec }, { signal }) });
}
