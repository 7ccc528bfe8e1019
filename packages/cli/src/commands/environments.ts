import type { KubeClient } from "@threeport/client";
import { deepEqual, isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { dependency, dependencyProfile, environment, projectFlag, runtimeInstance, workloadInstance, type Observed, type WorkloadInstance } from "../kinds.ts";
import { findResource } from "../objects/find-resource.ts";
import { removeObject } from "../objects/remove-object.ts";
import type { QuotaLimits } from "../parse.ts";
import { getObjects, type GetFlags } from "./get.ts";

export async function createEnvironment(
  this: CliContext,
  flags: {
    readonly runtime: string;
    readonly tier: "development" | "staging" | "production";
    readonly quota?: QuotaLimits;
    readonly projectQuota?: QuotaLimits;
  },
  name: string,
): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  await client.get({ ...runtimeInstance, name: flags.runtime }, { signal }).catch((error: unknown) => {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no runtime ${flags.runtime}`,
      detail: { hint: `tptctl runtime list shows what there is; tptctl runtime add ${flags.runtime} adds it` },
    });
  });
  const { quota, projectQuota } = flags;
  const limits = { ...quota, ...(projectQuota === undefined ? {} : { perProject: projectQuota }) };
  const spec = { runtime: flags.runtime, tier: flags.tier, ...(Object.keys(limits).length === 0 ? {} : { quota: limits }) };
  try {
    await client.create(environment, { ...environment, metadata: { name }, spec }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
    const existing = await client.get<{ spec: { runtime?: string; tier?: string; quota?: object } }>({ ...environment, name }, { signal });
    if (existing.spec.runtime === spec.runtime && existing.spec.tier === spec.tier && (spec.quota === undefined || deepEqual(existing.spec.quota, spec.quota)))
      return say(this, `environment ${name} is there already, on runtime ${spec.runtime}`);
    throw new PlatformError("TP_ALREADY_EXISTS", {
      message: `there is an environment ${name} on runtime ${existing.spec.runtime ?? "?"} (${existing.spec.tier ?? "?"})`,
      detail: { hint: `take another name, or change it: kubectl edit environment ${name}` },
    });
  }
  say(this, `environment ${name} created on runtime ${flags.runtime} (${flags.tier})`);
}

export async function listEnvironments(this: CliContext, { output }: { readonly output: GetFlags["output"] }): Promise<void> {
  await using client = await connect(this);
  const resource = findResource(await client.discover({ signal: this.signal }), "environments.threeport.io");
  await getObjects(this, client, { flags: { output, watch: false, allNamespaces: false }, asked: [{ resource, names: [] }] });
}

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
  // What the deployments depended on may outlive them for a while; with them it goes.
  const left = (await client.list<Observed>(dependency, { signal })).items.filter(({ spec }) => spec?.["environment"] === name);
  if (left.length > 0 && flags.cascade) await refuseRetained(client, left, signal);
  await removeObject(this, client, { target: { ...environment, name }, label: `environment ${name}`, withUsers: flags.cascade, ...wait });
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
