import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { PlatformError, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { conditionOf, runtimeInstance, secret, systemNamespace, type Observed } from "../kinds.ts";
import { getIfThere } from "../objects/get-if-there.ts";
import { waitForRuntime } from "./wait-for-runtime.ts";

/** A cluster on this machine answers in milliseconds. */
const answerMsMax = 2_000;
/** A start takes seconds; when binaries of a newer version have to be had first, minutes. */
const restartMsMax = 15 * 60_000;
/** It cannot be used, takes too long, or was deleted meanwhile. */
const told: ReadonlySet<string> = new Set(["TP_NOT_HEALTHY", "TP_DEADLINE", "TP_NOT_FOUND"]);

/**
 * Shows how the server starts local clusters again that ended with the machine or by `tptctl down`. The control plane runs all the same: a
 * cluster that cannot be started is told, and is no failure.
 */
export async function followLocalRuntimes(context: CliContext): Promise<void> {
  const sinceMs = systemClock.now();
  await using client = await connect(context);
  const { items } = await client.list<Observed>(runtimeInstance, { signal: context.signal });
  const ours = items.filter(({ spec, metadata }) => spec?.["provider"] === "local" && metadata.deletionTimestamp === undefined);
  const answered = await Promise.all(ours.map((runtime) => answers(client, runtime, context.signal)));
  const ended = ours.filter((_, index) => answered[index] === false).map(({ metadata }) => metadata.name);
  let back = false;
  for (const name of ended) {
    try {
      await waitForRuntime(context, client, { name, timeoutMs: restartMsMax, stillOld: (runtime) => saidBefore(runtime, sinceMs) });
      back = true;
    } catch (error) {
      if (!(error instanceof PlatformError) || !told.has(error.code)) throw error;
      note(context, `note: ${error.message}`);
    }
  }
  if (back) say(context, "workloads are put back; tptctl tree shows them");
}

/** Whether the cluster itself answers, by its certificate: networks exist in which every address accepts connections. */
async function answers(client: KubeClient, { metadata }: Observed, signal: AbortSignal): Promise<boolean> {
  const stored = await getIfThere<StoredObject & { data?: Record<string, string> }>(
    client,
    { ...secret, namespace: systemNamespace, name: `runtime-${metadata.name}` },
    signal,
  );
  const encoded = stored?.data?.["kubeconfig"];
  if (encoded === undefined) return false; // it never ran
  await using cluster = createClient(parseKubeconfig(Buffer.from(encoded, "base64").toString("utf8")));
  try {
    await cluster.request("/readyz", { signal, timeoutMs: answerMsMax, repeatable: false });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Ready from before: the server has not looked yet. Times of conditions are whole seconds. */
function saidBefore(runtime: Observed, sinceMs: number): boolean {
  const ready = conditionOf(runtime, "Ready");
  return ready?.status === "True" && Date.parse(ready.lastTransitionTime ?? "") < Math.floor(sinceMs / 1000) * 1000;
}
