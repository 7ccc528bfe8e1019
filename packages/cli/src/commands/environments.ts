import type { KubeClient } from "@threeport/client";
import { rfc3339, systemClock } from "@threeport/platform";
import { deepEqual, isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { environment, runtimeInstance, type Environment } from "../kinds.ts";
import { findResource } from "../objects/find-resource.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import type { QuotaLimits } from "../parse.ts";
import { getObjects, type GetFlags } from "./get.ts";

interface CreateFlags {
  readonly runtime?: string;
  readonly runtimeLabels?: Readonly<Record<string, string>>;
  readonly tier: "development" | "staging" | "production";
  readonly ttl?: string;
  readonly project?: string;
  readonly quota?: QuotaLimits;
  readonly projectQuota?: QuotaLimits;
}

export async function createEnvironment(this: CliContext, flags: CreateFlags, name: string): Promise<void> {
  const { signal } = this;
  const { runtime, runtimeLabels, tier, ttl, project } = flags;
  if ((runtime === undefined) === (runtimeLabels === undefined))
    throw new PlatformError("TP_USAGE", {
      message: "say where its workloads run: one of --runtime and --runtime-labels",
      detail: { hint: "tptctl runtime list shows what there is" },
    });
  await using client = await connect(this);
  if (runtime !== undefined) await requireRuntime(client, runtime, signal);
  const limits = { ...flags.quota, ...(flags.projectQuota === undefined ? {} : { perProject: flags.projectQuota }) };
  const wanted = {
    ...(runtime === undefined ? { runtimeSelector: { matchLabels: runtimeLabels } } : { runtime }),
    tier,
    ...(ttl === undefined ? {} : { ttl }),
    ...(project === undefined ? {} : { project }),
    ...(Object.keys(limits).length === 0 ? {} : { quota: limits }),
  };
  const where = runtime === undefined ? "on the runtime that its labels choose" : `on runtime ${runtime}`;
  try {
    await client.create(environment, { ...environment, metadata: { name }, spec: wanted }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
    const { spec = {} } = await client.get<Environment>({ ...environment, name }, { signal });
    if (Object.entries(wanted).every(([field, value]) => deepEqual(spec[field], value))) return say(this, `environment ${name} is there already, ${where}`);
    throw new PlatformError("TP_ALREADY_EXISTS", {
      message: `there is an environment ${name} on runtime ${spec.runtime ?? "?"} (${spec.tier ?? "?"})`,
      detail: { hint: `take another name, or change it: kubectl edit environment ${name}` },
    });
  }
  say(this, `environment ${name} created ${where} (${tier})${ttl === undefined ? "" : `; it ends itself after ${ttl}`}`);
}

async function requireRuntime(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  await client.get({ ...runtimeInstance, name }, { signal }).catch((error: unknown) => {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no runtime ${name}`,
      detail: { hint: `tptctl runtime list shows what there is; tptctl runtime add ${name} adds it` },
    });
  });
}

export async function listEnvironments(this: CliContext, { output }: { readonly output: GetFlags["output"] }): Promise<void> {
  await using client = await connect(this);
  const resource = findResource(await client.discover({ signal: this.signal }), "environments.threeport.io");
  await getObjects(this, client, { flags: { output, watch: false, allNamespaces: false }, asked: [{ resource, names: [] }] });
}

/** Its time counts from now again. */
export async function extendEnvironment(this: CliContext, { ttl }: { readonly ttl: string }, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  await requireEnvironment(client, name, signal);
  const changed = await client.patch<Environment>({ ...environment, name }, { spec: { ttl, extendedAt: rfc3339(systemClock.now()) } }, { signal });
  if (changed.metadata.deletionTimestamp !== undefined)
    throw new PlatformError("TP_IN_USE", {
      message: `environment ${name} is being deleted already, and cannot be kept`,
      detail: { hint: `wait until it is gone (tptctl wait environment/${name} --for=delete), then make it again` },
    });
  say(this, `environment ${name} ends itself ${ttl} from now`);
}
