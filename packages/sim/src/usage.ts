// What pods are said to use. No program runs, so somebody must say it; until then there are no metrics, as in a cluster without metrics-server.
import { PlatformError, parseQuantity, type StoredObject } from "@threeport/resource";

export interface UsageRule {
  /** One cluster, one namespace; all without them. */
  readonly cluster?: string;
  readonly namespace?: string;
  /** Must match the pod's name; all pods without it. */
  readonly pod?: RegExp;
  /** Of each container of each such pod: `350m`. */
  readonly cpu: string;
}

export interface ClusterUsage {
  /** Thousandths of a CPU that each container of the pod uses; undefined where nobody said it. */
  cpuOf(pod: StoredObject): number | undefined;
  /** Whether there are metrics at all. */
  readonly known: boolean;
}

export interface Usage {
  /** What was said last counts, and is seen at the next look: up to 15 s of virtual time later. */
  set(rule: UsageRule): void;
  clear(): void;
  of(cluster: string): ClusterUsage;
}

const nanosPerThousandth = 1_000_000n;

export function createUsage(): Usage {
  const rules: { readonly rule: UsageRule; readonly thousandths: number }[] = [];
  return {
    set(rule) {
      rules.push({ rule, thousandths: Number(parseQuantity(rule.cpu).nanos / nanosPerThousandth) });
    },
    clear: () => void rules.splice(0),
    of(cluster) {
      const here = () => rules.filter(({ rule }) => rule.cluster === undefined || rule.cluster === cluster);
      return {
        get known() {
          return here().length > 0;
        },
        cpuOf: ({ metadata }) =>
          here().findLast(
            ({ rule }) => (rule.namespace === undefined || rule.namespace === metadata.namespace) && (rule.pod === undefined || rule.pod.test(metadata.name)),
          )?.thousandths,
      };
    },
  };
}

/** As the admin API takes it: `pod` is the text of a regular expression. @throws PlatformError TP_BAD_REQUEST, TP_INVALID */
export function readUsage(value: unknown): UsageRule {
  const given = (value ?? {}) as Record<string, unknown>;
  for (const field of ["cpu", "cluster", "namespace", "pod"])
    if ((field === "cpu" || given[field] !== undefined) && typeof given[field] !== "string")
      throw new PlatformError("TP_BAD_REQUEST", { message: `${field}: must be a text` });
  try {
    return { ...given, ...(given["pod"] === undefined ? {} : { pod: new RegExp(given["pod"] as string) }) } as unknown as UsageRule;
  } catch (error) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `pod: is no regular expression: ${(error as Error).message}` });
  }
}
