import { say, type CliContext } from "../context.ts";
import { PlatformError } from "@threeport/resource";
import { loadWorkloads } from "../workloads/load-workloads.ts";
import type { WorkloadFlags } from "../workloads/workload.ts";

/** Checks files without a control plane. Of Score documents everything is checked but what only the environment knows. */
export async function validate(this: CliContext, flags: WorkloadFlags, ...paths: string[]): Promise<void> {
  const given = flags.image === undefined ? { ...flags, anyImage: true } : flags;
  const workloads = await loadWorkloads(this, given, paths);
  for (const { name, summary, source } of workloads) {
    const objects = (source["manifests"] as { objects?: readonly Record<string, unknown>[] } | undefined)?.objects;
    const nameless = objects?.findIndex((object) => typeof object["apiVersion"] !== "string" || typeof object["kind"] !== "string") ?? -1;
    if (nameless >= 0)
      throw new PlatformError("TP_INVALID", {
        message: `document ${nameless + 1} has no apiVersion and kind`,
        detail: { hint: "it is neither a Kubernetes manifest nor a Score document" },
      });
    const rendered = source["helm"] === undefined ? "" : "; what it renders to is checked by tptctl render, with an environment";
    say(this, `workload ${name} is valid (${summary})${rendered}`);
  }
}
