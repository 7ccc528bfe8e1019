import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { dependency, dependencyProfile, environment, projectFlag, workloadInstance, type Observed, type WorkloadInstance } from "../kinds.ts";
import { removeObject } from "../objects/remove-object.ts";

/** Deployments named in a message; enough to act on. */
const namedMax = 10;

export async function deleteEnvironment(this: CliContext, flags: { readonly cascade: boolean; readonly timeout?: number }, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  await client.get({ ...environment, name }, { signal });
  const users = (await client.list<WorkloadInstance>(workloadInstance, { signal })).items.filter((instance) => instance.spec.environment === name);
  const names = users.map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
  if (users.length > 0 && !flags.cascade) {
    throw new PlatformError("TP_IN_USE", {
      message: `${users.length === 1 ? "1 deployment is" : `${users.length} deployments are`} in environment ${name}: ${names.slice(0, namedMax).join(", ")}${names.length > namedMax ? " and others" : ""}`,
      detail: { hint: `tptctl env delete ${name} --cascade deletes them too` },
    });
  }
  const wait = { timeoutMs: flags.timeout };
  for (const { metadata } of users) {
    say(this, `deployment ${metadata.namespace ?? ""}/${metadata.name} goes`);
    await client
      .delete({ ...workloadInstance, name: metadata.name, namespace: metadata.namespace }, { signal, propagationPolicy: "Foreground" })
      .catch((error: unknown) => {
        if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
      });
  }
  for (const { metadata } of users)
    await removeObject(this, client, {
      target: { ...workloadInstance, name: metadata.name, namespace: metadata.namespace },
      label: `deployment ${metadata.namespace ?? ""}/${metadata.name}`,
      mayBeGone: true,
      ...wait,
    });
  // What the deployments depended on may outlive them for a while; with the environment it goes.
  const left = (await client.list<Observed>(dependency, { signal })).items.filter(({ spec }) => spec?.["environment"] === name);
  if (left.length > 0 && flags.cascade) await refuseRetained(client, left, signal);
  const removal = { target: { ...environment, name }, label: `environment ${name}`, withUsers: flags.cascade, ...wait };
  if (left.length === 0 || !flags.cascade) {
    await removeObject(this, client, removal); // the client is needed until it is gone
    return;
  }
  for (const { metadata } of left) say(this, `${dependencyLabel(metadata)} goes`);
  await removeObject(this, client, { ...removal, wait: false });
  for (const { metadata } of left)
    await removeObject(this, client, {
      target: { ...dependency, name: metadata.name, namespace: metadata.namespace },
      label: dependencyLabel(metadata),
      mayBeGone: true,
      withUsers: true,
      ...wait,
    });
  await removeObject(this, client, { ...removal, mayBeGone: true });
}

function dependencyLabel({ namespace = "", name }: Observed["metadata"]): string {
  return `dependency ${namespace}/${name}`;
}

/** What operations want to keep is deleted by name only. */
async function refuseRetained(client: KubeClient, dependencies: readonly Observed[], signal: AbortSignal): Promise<void> {
  const profiles = (await client.list<Observed>(dependencyProfile, { signal })).items;
  const retained = dependencies.filter(({ spec }) => {
    const profile = profiles.find(({ metadata }) => metadata.name === spec?.["profile"]);
    return (profile?.spec?.["deletion"] as { policy?: string } | undefined)?.policy === "Retain";
  });
  if (retained.length === 0) return;
  const names = retained.map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
  throw new PlatformError("TP_IN_USE", {
    message: `profiles keep ${names.slice(0, namedMax).join(", ")}${names.length > namedMax ? " and others" : ""}, and the environment cannot go before`,
    detail: {
      hint: `if what they hold may be lost: tptctl delete dependency/${retained[0]?.metadata.name ?? ""}${projectFlag(retained[0]?.metadata.namespace)}`,
    },
  });
}
