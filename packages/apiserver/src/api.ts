import type { Clock, Logger, Random } from "@threeport/platform";
import type { Kind, KubeObject } from "@threeport/resource";
import type { Fence, Priority, ObjectStore, User } from "@threeport/store";
import type { Authorizer } from "./auth/policy.ts";
import type { Registry } from "./registry.ts";
import type { Controlled } from "./pipeline/references.ts";
import type { FieldValidation } from "./pipeline/body.ts";

/** What the pipeline of every read and write needs. */
export interface ApiContext {
  readonly registry: Registry;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Who may do what (P1). */
  readonly authorizer: Authorizer;
  /** Which kinds have a reconciler in this control plane. */
  readonly controlled: Controlled;
  /** Sees to it that every kind is served that was defined before the call; false when that was so already. */
  readonly catchUp?: () => Promise<boolean>;
  /** Judges writes by more than their object: quotas, webhooks. What it throws is what the caller hears. */
  readonly admit?: (write: AdmittedWrite) => Promise<void>;
}

/** A write that passed the rules of its kind, and is stored next. */
export interface AdmittedWrite {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly kind: Kind;
  readonly caller: Caller;
  /** `status`, `scale`; undefined for the object itself. */
  readonly subresource: string | undefined;
  /** As it would be stored; of a delete, what goes. */
  readonly object: KubeObject;
  /** Undefined for a create. */
  readonly old: KubeObject | undefined;
  readonly dryRun: boolean;
}

/** On whose behalf a write happens. */
export interface Author {
  readonly priority: Priority;
  /** Set for reconcilers: every write carries the lease it runs under (Q3). */
  readonly fence: Fence | undefined;
}

export interface Caller {
  readonly user: User;
  readonly author: Author;
}

export interface WriteOptions {
  /** Name of the field manager, which what the write changes is recorded under (K7). */
  readonly manager: string;
  readonly dryRun?: boolean;
  /** Digests of secret values that the request brought, and that stand as marks in what is written now. */
  readonly brought?: ReadonlySet<string>;
  readonly fieldValidation?: FieldValidation;
}

/** An object as answered: JSON text as stored, parsed only where somebody needs it. */
export interface Answer {
  readonly body: string;
  /** 0 for a create that was only tried. */
  readonly rv: number;
  readonly warnings: readonly string[];
  /** Set where a write that may find the object made it instead. */
  readonly created?: boolean;
}

export interface ObjectName {
  readonly kind: Kind;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}
