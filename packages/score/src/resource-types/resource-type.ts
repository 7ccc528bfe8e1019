import type { ErrorCause } from "@threeport/resource";
import type { ScoreDocument, ScoreResource, ScoreServicePort } from "../document.ts";

/** An output of a resource. */
export interface Output {
  readonly value: unknown;
  /** Set for what must not be seen: where the value is in the cluster. Containers read it from there. */
  readonly secret?: SecretKey;
}

export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

export interface NamedResource {
  readonly name: string;
  /** Field of the resource in its document. */
  readonly field: string;
  readonly resource: ScoreResource;
}

/** A resource that something outside of the workload provides: a database, a queue. */
export interface Need {
  /** Of the resource. */
  readonly name: string;
  readonly type: string;
  readonly class: string;
  readonly id: string;
  /** Undefined when none are given: such a use joins others. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** The workload that needs it: a route leads there. */
  readonly workload: SourceWorkload;
}

/** A workload as what is provided for it sees it. */
export interface SourceWorkload {
  readonly name: string;
  /** Of what runs its pods. */
  readonly kind: string;
  /** Name of its Service. */
  readonly service: string;
  /** Of its Service. */
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
}

/** What is provided for a {@link Need}. */
export interface Provision {
  readonly values: Readonly<Record<string, unknown>>;
  /** Outputs that nobody may see, and the Secret in the cluster that containers read them from. */
  readonly secret?: { readonly name: string; readonly values: Readonly<Record<string, string>> };
}

/** What resources are provided from. */
export interface ProvisionContext {
  /** Values by name, of the environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Ports that the other workloads of the project serve in this environment, by the workload's name. */
  readonly workloads: ReadonlyMap<string, Readonly<Record<string, ScoreServicePort>>>;
  /** In ids of resources that have none of their own; the workload's name unless said. */
  readonly workload?: string;
  /** What is provided for needs, by the name of the resource; others are waited for. */
  readonly provisions?: ReadonlyMap<string, Provision>;
  /** Names of their Services, by the workload's name, where they are others. */
  readonly serviceNames?: ReadonlyMap<string, string>;
}

export type Provided =
  | { readonly kind: "outputs"; readonly outputs: ReadonlyMap<string, Output> | ((key: string) => Output | undefined) }
  | { readonly kind: "waiting"; readonly workload: string }
  | { readonly kind: "invalid"; readonly causes: readonly ErrorCause[] };

/** How a type of resource is provided that needs nothing but the workload and its environment. */
export interface ResourceType {
  readonly type: string;
  /** Names of its outputs, for messages; undefined: any name may be read. */
  readonly outputNames: readonly string[] | undefined;
  /** Names of its params; undefined: `check` says what may be in them. */
  readonly params: readonly string[] | undefined;
  /** What is wrong with the resource itself, whatever it is deployed to. */
  check(named: NamedResource, document: ScoreDocument): readonly ErrorCause[];
  provide(named: NamedResource, context: ProvisionContext, document: ScoreDocument): Provided;
  /** Other workloads that it names. */
  workloadsOf?(named: NamedResource): readonly string[];
}
