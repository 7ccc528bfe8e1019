import type { Condition, ObjectMeta } from "@threeport/resource";

// The kinds that tptctl speaks of, as they travel. What it does not read is not named here.

const apiVersion = "threeport.io/v1alpha1";

export const workloadDefinition = { apiVersion, kind: "WorkloadDefinition" } as const;
export const workloadInstance = { apiVersion, kind: "WorkloadInstance" } as const;
export const release = { apiVersion, kind: "Release" } as const;
export const resourceSet = { apiVersion, kind: "ResourceSet" } as const;
export const environment = { apiVersion, kind: "Environment" } as const;
export const dependency = { apiVersion, kind: "Dependency" } as const;
export const dependencyClaim = { apiVersion, kind: "DependencyClaim" } as const;
export const dependencyProfile = { apiVersion, kind: "DependencyProfile" } as const;
export const runtimeInstance = { apiVersion, kind: "KubernetesRuntimeInstance" } as const;
export const supportServiceInstance = { apiVersion, kind: "SupportServiceInstance" } as const;
export const namespace = { apiVersion: "v1", kind: "Namespace" } as const;
export const secret = { apiVersion: "v1", kind: "Secret" } as const;

/** Where kubeconfigs are kept. */
export const systemNamespace = "threeport-system";
/** The project that is meant when none is named. */
export const defaultProject = "default";

/** ` -n shop`, for commands in messages; nothing for the project that is meant anyway. */
export function projectFlag(project: string = defaultProject): string {
  return project === defaultProject ? "" : ` -n ${project}`;
}

/** Any object of ours as it is read back. */
export interface Observed {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

export interface WorkloadDefinition extends Observed {
  readonly spec: { readonly source?: { readonly manifests?: { readonly objects?: readonly unknown[] } } };
  readonly status?: Observed["status"] & { readonly latestRelease?: string };
}

export interface WorkloadInstance extends Observed {
  readonly spec: {
    readonly definition: string;
    readonly environment: string;
    readonly release?: string;
    readonly runtime?: string;
    readonly paused?: boolean;
    readonly values?: Readonly<Record<string, unknown>>;
    readonly replicas?: number;
  };
  readonly status?: Observed["status"] & {
    readonly release?: string;
    readonly objects?: string;
    readonly requests?: { readonly cpu: string; readonly memory: string };
    readonly targetNamespace?: string;
    readonly resourceSet?: string;
    readonly worst?: readonly WorstObject[];
  };
}

export interface DependencyProfile extends Observed {
  readonly spec: {
    readonly type: string;
    readonly class: string;
    readonly priority: number;
    readonly match?: { readonly environments?: readonly string[]; readonly tiers?: readonly string[]; readonly runtimes?: readonly string[] };
    readonly params?: { readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>; readonly required?: readonly string[] };
    readonly generated?: Readonly<Record<string, string>>;
    readonly rotatable?: readonly string[];
    readonly requires?: Readonly<Record<string, { readonly type: string; readonly class: string; readonly id: string }>>;
    readonly services?: Readonly<Record<string, object>>;
    readonly withWorkload?: boolean;
    readonly provisioner: Readonly<Record<string, unknown>>;
    readonly outputs?: Readonly<Record<string, { readonly secret?: boolean; readonly secretRef?: object }>>;
    readonly deletion?: { readonly policy?: string; readonly gracePeriodSeconds?: number };
  };
}

export interface Dependency extends Observed {
  readonly spec: {
    readonly environment: string;
    readonly type: string;
    readonly class: string;
    readonly profile?: string;
    readonly runtime?: string;
    readonly rotations?: Readonly<Record<string, number>>;
    readonly rematchTo?: string;
  };
  readonly status?: Observed["status"] & {
    readonly users?: readonly string[];
    readonly taken?: { readonly generation: number };
    readonly update?: { readonly generation: number; readonly policy: string };
    readonly resourceSet?: string;
    readonly required?: readonly string[];
    readonly services?: readonly { readonly instance: string }[];
  };
}

export interface DependencyClaim extends Observed {
  readonly spec: {
    readonly environment: string;
    readonly type: string;
    readonly resource: string;
    readonly workload?: string;
    readonly requiredBy?: string;
    readonly dependency?: string;
  };
}

export interface Environment extends Observed {
  readonly spec?: Readonly<Record<string, unknown>> & { readonly runtime?: string; readonly tier?: string };
  readonly status?: Observed["status"] & {
    readonly expiresAt?: string;
    readonly clone?: { readonly environment: string; readonly at: string; readonly deployments: readonly string[] };
  };
}

/** One of the objects that hold a deployment up, as the status names them. */
export interface WorstObject {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly message?: string;
}

export function conditionOf(object: Observed, type: string): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type);
}

/** True when the condition speaks of the object as it is now, not of an earlier generation. */
export function isCurrent(object: Observed, condition: Condition | undefined): boolean {
  return condition !== undefined && (condition.observedGeneration ?? object.metadata.generation ?? 0) === (object.metadata.generation ?? 0);
}

/** Whether an object is ready, in two cells of a table. */
export function readyOf(object: Observed): readonly [ready: string, why: string] {
  const ready = conditionOf(object, "Ready");
  if (ready === undefined || !isCurrent(object, ready)) return ["Unknown", "was just changed"];
  return [ready.status, ready.status === "True" ? ready.reason : `${ready.reason}: ${ready.message}`];
}
