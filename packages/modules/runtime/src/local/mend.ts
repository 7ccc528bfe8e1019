import type { KubeClient } from "@threeport/client";
import type { Clock } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { type ComponentName, componentMark, componentNames } from "./component-commands.ts";
import { killComponent, logPath } from "./node-processes.ts";
import { ageMs } from "./process-table.ts";
import { findSlot, slotsFolderDefault } from "./slots.ts";
import { livingProcess } from "./state-folder.ts";

/** Components of the cluster of `stateDir` that have ended. A start of the same folder starts them again. */
export async function componentsEnded(stateDir: string): Promise<readonly ComponentName[]> {
  const ended = await Promise.all(componentNames.map(async (name) => ((await livingProcess(stateDir, name)) === undefined ? [name] : [])));
  return ended.flat();
}

/** Why the node takes no pods. */
export interface NodeTrouble {
  readonly reason: "NodeNotReady";
  readonly message: string;
  /** It lasts, though all components run: one of them hangs. */
  readonly hangs: boolean;
}

/** Kubernetes itself waits 50 s for a silent kubelet; what lasts longer than this on top does not end by itself. */
const troubleMsMax = 10_000;
/** A kubelet that was just started gets this long to bring its node up. */
const kubeletMsMin = 60_000;

/** What the cluster says of its node; undefined when it is Ready. */
export async function nodeTrouble(
  node: { readonly name: string; readonly stateDir: string },
  { cluster, clock, signal }: { readonly cluster: Pick<KubeClient, "get">; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<NodeTrouble | undefined> {
  const ready = await readyCondition(cluster, node.name, signal);
  if (ready?.status === "True") return undefined;
  const kubelet = await livingProcess(node.stateDir, "kubelet");
  const lastsMs = clock.now() - Date.parse(ready?.lastTransitionTime ?? "");
  // A node that never was registered has no time; then the kubelet's age alone counts.
  const hangs = !(lastsMs < troubleMsMax) && kubelet !== undefined && (await ageMs(kubelet)) > kubeletMsMin;
  const said = (ready?.message ?? "it is not registered").replace(/\.$/, "");
  const next = hangs ? "" : "; if this lasts, kubelet and containerd are started again";
  return { reason: "NodeNotReady", message: `node ${node.name} is not Ready: ${said} (log: ${logPath(node.stateDir, "kubelet")})${next}`, hangs };
}

/** Ends kubelet and containerd; a start of the same folder starts them again. Containers live on. */
export async function endHanging(stateDir: string, { binariesFolder, clock }: { readonly binariesFolder: string; readonly clock: Clock }): Promise<void> {
  const record = await findSlot(slotsFolderDefault, stateDir);
  if (record === undefined) return;
  for (const name of ["kubelet", "containerd"] as const) await killComponent({ name, mark: componentMark(name, binariesFolder) }, { id: record.id, clock });
}

interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

async function readyCondition(cluster: Pick<KubeClient, "get">, name: string, signal: AbortSignal): Promise<NodeCondition | undefined> {
  try {
    const node = await cluster.get<StoredObject & { status?: { conditions?: readonly NodeCondition[] } }>({ apiVersion: "v1", kind: "Node", name }, { signal });
    return node.status?.conditions?.find(({ type }) => type === "Ready");
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    return undefined;
  }
}
