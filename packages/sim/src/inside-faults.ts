// What goes wrong within clusters: with containers and with nodes. What goes wrong with requests is in faults.ts.
import type { StoredObject } from "@threeport/resource";

export type ContainerFault = {
  /** One namespace; all without it. */
  readonly namespace?: string;
  /** Must match the pod's name; all pods without it. */
  readonly pod?: RegExp;
  /** One container of them; all without it. */
  readonly container?: string;
} & (
  | {
      /** Ends after a while, again and again. */
      readonly kind: "crash";
      /** 1 unless said. */
      readonly exitCode?: number;
      /** What it writes before it ends. */
      readonly log?: readonly string[];
      /** Virtual milliseconds that it runs; 1,000 unless said. */
      readonly afterMs?: number;
    }
  /** Takes more memory than it may, again and again. */
  | { readonly kind: "oom"; readonly log?: readonly string[]; readonly afterMs?: number }
  /** Its readiness probe fails. */
  | { readonly kind: "unready" }
  /** Its liveness probe fails, where it has one. */
  | { readonly kind: "unlive" }
);

export type NodeFault = {
  /** One node; all without it. */
  readonly node?: string;
} & (
  | {
      /** Its disk is full: it takes nothing new, and what does not tolerate that is evicted, one pod after another. */
      readonly kind: "disk-pressure";
    }
  /** Its kubelet is not heard of any more. */
  | { readonly kind: "node-lost" }
);

export type InsideFault = (ContainerFault | NodeFault) & {
  /** One cluster; all without it. */
  readonly cluster?: string;
};

/** What is wrong within one cluster now. */
export interface ClusterFaults {
  /** The fault of a container that was told last. */
  container(pod: StoredObject, container: string): ContainerFault | undefined;
  node(name: string, kind: NodeFault["kind"]): boolean;
}

export interface InsideFaults {
  add(fault: InsideFault): Disposable;
  clear(): void;
  of(cluster: string): ClusterFaults;
}

const nodeKinds: ReadonlySet<string> = new Set(["disk-pressure", "node-lost"]);
export const insideKinds: ReadonlySet<string> = new Set(["crash", "oom", "unready", "unlive", ...nodeKinds]);

/** `onChange` is told of the cluster that a fault begins or ends in; undefined: all of them. */
export function createInsideFaults(onChange: (cluster: string | undefined) => void): InsideFaults {
  const active = new Set<InsideFault>();
  return {
    add(fault) {
      const own = { ...fault };
      active.add(own);
      onChange(own.cluster);
      return {
        [Symbol.dispose]() {
          if (active.delete(own)) onChange(own.cluster);
        },
      };
    },
    clear() {
      if (active.size === 0) return;
      active.clear();
      onChange(undefined);
    },
    of(cluster) {
      const here = (): InsideFault[] => [...active].filter((fault) => fault.cluster === undefined || fault.cluster === cluster);
      return {
        container: ({ metadata }, container) =>
          here().findLast(
            (fault): fault is ContainerFault =>
              isContainerFault(fault) &&
              (fault.namespace === undefined || fault.namespace === metadata.namespace) &&
              (fault.pod === undefined || fault.pod.test(metadata.name)) &&
              (fault.container === undefined || fault.container === container),
          ),
        node: (name, kind) => here().some((fault) => !isContainerFault(fault) && fault.kind === kind && (fault.node === undefined || fault.node === name)),
      };
    },
  };
}

function isContainerFault(fault: ContainerFault | NodeFault): fault is ContainerFault {
  return !nodeKinds.has(fault.kind);
}

export function isInside(fault: { readonly kind: string }): fault is InsideFault {
  return insideKinds.has(fault.kind);
}
