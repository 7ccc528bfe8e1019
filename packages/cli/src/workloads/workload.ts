import type { JsonObject } from "@threeport/resource";
import type { OriginOf } from "../manifests/locate-causes.ts";

/** What files say runs, ready to be sent. */
export interface Workload {
  readonly name: string;
  /** `spec.source` of its definition. */
  readonly source: JsonObject;
  /** What the user overrides, for one environment; undefined when nothing. */
  readonly values: JsonObject | undefined;
  /** Where a field of the definition stands in the files. */
  readonly origin: OriginOf;
  /** For people: `3 objects`, `2 containers`. */
  readonly summary: string;
  /** What others can call, by the name of the port. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Flags that change what files say. */
export interface WorkloadFlags {
  readonly name?: string;
  readonly image?: readonly string[];
  readonly overridesFile?: string;
  readonly overrideProperty?: readonly string[];
  /** Of manifests and charts. */
  readonly dependencies?: string;
  /** Of charts. */
  readonly values?: readonly string[];
  readonly repo?: string;
  readonly version?: string;
}

export interface LoadOptions extends WorkloadFlags {
  /** Images that are given at deploy time may be missing: nothing is deployed. */
  readonly anyImage?: boolean;
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
