import { rfc3339 } from "@threeport/platform";
import type { KubeObject, Objects, StoredObject } from "@threeport/resource";
import type { Fields } from "../controllers/owned.ts";
import type { Taint } from "./selection.ts";

/** A node that a cluster begins with, or that is added to it. */
export interface NodeShape {
  readonly name: string;
  /** Allocatable, as quantities. Default: enough for thousands of small pods. */
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
}

/** What a cluster has unless somebody says otherwise. */
export const usualNodes: readonly NodeShape[] = [1, 2, 3].map((number) => ({ name: `node-${number}` }));

const usual = { cpu: "1024", memory: "4Ti", pods: "10000", storage: "10Ti" };

/** The conditions of a node that is well, in the order of a kubelet. */
export const wellConditions = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
] as const;

export async function makeNode(
  objects: Objects,
  shape: NodeShape,
  at: { readonly nowMs: number; readonly number: number; readonly gitVersion: string },
): Promise<void> {
  const made = await objects.create<StoredObject>(nodeOf(shape));
  await objects.patchStatus<StoredObject>({ ...made, status: statusOf(shape, at) });
}

function nodeOf({ name, labels, taints = [] }: NodeShape): KubeObject {
  const own = {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
  };
  return { apiVersion: "v1", kind: "Node", metadata: { name, labels: { ...own, ...labels } }, spec: taints.length === 0 ? {} : { taints } };
}

function statusOf(
  { name, cpu = usual.cpu, memory = usual.memory, pods = usual.pods }: NodeShape,
  { nowMs, number, gitVersion }: { readonly nowMs: number; readonly number: number; readonly gitVersion: string },
): Fields {
  const now = rfc3339(nowMs);
  const amounts = { cpu, "ephemeral-storage": usual.storage, "hugepages-1Gi": "0", "hugepages-2Mi": "0", memory, pods };
  return {
    addresses: [
      { type: "InternalIP", address: `10.0.${number >> 8}.${number & 255}` },
      { type: "Hostname", address: name },
    ],
    allocatable: amounts,
    capacity: amounts,
    conditions: wellConditions.map(([type, status, reason, message]) => ({
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    })),
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "containerd://2.3.4",
      kernelVersion: "6.18.0",
      kubeProxyVersion: "",
      kubeletVersion: gitVersion,
      machineID: "",
      operatingSystem: "linux",
      osImage: "Threeport simulation",
      systemUUID: "",
    },
  };
}
