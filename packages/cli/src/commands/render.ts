import { resourcePath, type KubeClient } from "@threeport/client";
import { PlatformError, type JsonObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { locateCauses } from "../manifests/locate-causes.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { yamlText } from "../output/yaml.ts";
import { loadWorkloads } from "../workloads/load-workloads.ts";
import type { Workload, WorkloadFlags } from "../workloads/workload.ts";

export interface RenderFlags extends WorkloadFlags {
  readonly env: string;
  readonly project: string;
  readonly replicas?: number;
}

/** Prints the objects that a deployment would apply. The control plane makes them, as it would then; nothing is stored. */
export async function render(this: CliContext, flags: RenderFlags & { readonly output: "yaml" | "json" }, ...paths: string[]): Promise<void> {
  const workloads = await loadWorkloads(this, flags, paths);
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, this.signal);
  const rendered = await renderAll(this, client, flags, workloads);
  const objects = rendered.flatMap((each) => each.objects);
  if (flags.output === "json") return say(this, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }, undefined, 2));
  say(this, objects.map((object) => yamlText(object).trimEnd()).join("\n---\n"));
}

export interface Rendered {
  readonly instance: string;
  readonly objects: readonly JsonObject[];
}

const renderings = { group: "threeport.io", version: "v1alpha1", resource: "workloadrenderings", namespaced: true };

/** @throws PlatformError TP_NOT_HEALTHY when one would have no objects, with why */
export async function renderAll(context: CliContext, client: KubeClient, flags: RenderFlags, workloads: readonly Workload[]): Promise<readonly Rendered[]> {
  const { signal } = context;
  return Promise.all(
    workloads.map(async (workload) => {
      const beside = workloads.filter((other) => other !== workload).map(({ name, ports }) => ({ name, ports }));
      const { values, name, source } = workload;
      const body = {
        apiVersion: "threeport.io/v1alpha1",
        kind: "WorkloadRendering",
        metadata: {},
        spec: {
          definition: name,
          environment: flags.env,
          source,
          ...(values === undefined ? {} : { values }),
          ...(flags.replicas === undefined ? {} : { replicas: flags.replicas }),
          ...(beside.length === 0 ? {} : { beside }),
        },
      };
      const path = resourcePath(renderings, { namespace: flags.project });
      const answer = await client.request(path, { method: "POST", body, signal }).catch((error: unknown) => {
        throw locateCauses(error, workload.origin);
      });
      const { status } = answer.body as { status: { instance: string; reason?: string; message?: string; objects?: JsonObject[] } };
      if (status.objects === undefined)
        throw new PlatformError("TP_NOT_HEALTHY", {
          message: `${name} would have no objects in environment ${flags.env}: ${status.reason ?? ""}: ${status.message ?? ""}`,
          detail: {
            hint: status.reason?.startsWith("Waiting")
              ? "tptctl validate checks a file by itself; tptctl deploy makes what is waited for"
              : "correct what is named, and try again",
          },
        });
      return { instance: status.instance, objects: status.objects };
    }),
  );
}
