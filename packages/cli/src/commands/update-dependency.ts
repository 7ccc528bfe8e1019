import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, projectFlag } from "../kinds.ts";
import { findDependency } from "../objects/find-dependency.ts";
import { followDependency } from "../progress/follow-dependency.ts";
import { askFor } from "./dependencies.ts";

export interface UpdateFlags {
  readonly namespace?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Asks for the newest generation of the profile, which the dependency has not taken by itself. */
export async function updateDependency(this: CliContext, flags: UpdateFlags, name: string): Promise<void> {
  const { signal } = this;
  const namespace = flags.namespace ?? defaultProject;
  await using client = await connect(this);
  const found = await findDependency(client, { namespace, name }, signal);
  const { update, users = [] } = found.status ?? {};
  if (update === undefined) return say(this, `${name} has what its profile ${found.spec.profile ?? ""} says now: nothing waits`);
  const asked = await askFor(client, found, { updateTo: update.generation }, signal);
  const used = users.length === 0 ? "nobody uses it" : `it is used by ${users.join(", ")}`;
  say(
    this,
    `${name} takes generation ${update.generation} of profile ${found.spec.profile ?? ""} in place of ${found.status?.taken?.generation ?? 0}; ${used}`,
  );
  if (!flags.wait) return say(this, `look at it with tptctl get dependency ${name}${projectFlag(namespace)}`);
  await followDependency(this, client, { dependency: asked, goal: "is ready with its profile as it is now", timeoutMs: flags.timeout });
}
