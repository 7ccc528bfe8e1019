/** How the store names an object: `kind` is the plural with its group (`releases.threeport.io`), `namespace` is "" for cluster-scoped kinds. */
export interface ObjectKey {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One version of one object. `body` is JSON text with its resourceVersion in it. */
export interface Version {
  readonly rv: number;
  readonly key: ObjectKey;
  readonly uid: string;
  readonly body: string;
}

/** One change, as watchers get it. */
export interface Change extends Version {
  /** 0 when the object did not exist before. */
  readonly prevRv: number;
  readonly deleted: boolean;
  /** The body that this change replaced; undefined when there was none. */
  readonly prevBody: string | undefined;
}

/** Proof of a live lease on a work row; checked in the same statement as a write (Q3). */
export interface Fence {
  readonly queue: string;
  readonly key: string;
  readonly token: number;
}

/** A row that says who is woken by which change of whom (S5). */
export interface ReferenceRow {
  readonly path: string;
  readonly wakerQueue: string;
  readonly wakerKey: string;
  readonly target: ObjectKey;
  /** Bits: what the waker waits for. */
  readonly waitsFor: number;
}

/** Something that must hold at commit: `target` is not being deleted and, with `mustExist`, is there; or, with `unreferenced`, nothing refers to it but what is being deleted itself. */
export interface Guard {
  readonly target: ObjectKey;
  readonly mustExist: boolean;
  readonly unreferenced?: boolean;
}

/** 0: a person's change; 1: a controller's; 2: a periodic check (Q5). */
export type Priority = 0 | 1 | 2;

/** One change of one object, with the work it causes. All of it commits or none (S5). */
export interface Write {
  readonly key: ObjectKey;
  readonly uid: string;
  /** The version that must be current; 0 means that the object must not exist. */
  readonly expectRv: number;
  readonly remove: boolean;
  /** deletionTimestamp is set after this write. */
  readonly terminating: boolean;
  readonly schemaVersion: string;
  /** JSON text of the object in two halves, between which the new resourceVersion is written. */
  readonly body: readonly [before: string, after: string];
  /** Seal the body at rest (S7). */
  readonly sensitive: boolean;
  readonly prevBody: string | undefined;
  /** The whole new set of references that this object declares; undefined leaves them as they are. */
  readonly references: readonly ReferenceRow[] | undefined;
  readonly guards: readonly Guard[];
  /** Work rows for this object's own key. */
  readonly wake: readonly { readonly queue: string; readonly key: string }[];
  /** Bits of what changed for others: matching references cause one fan-out row. */
  readonly changes: number;
  readonly priority: Priority;
  readonly fence: Fence | undefined;
}

export type WriteResult =
  | { readonly outcome: "written"; readonly rv: number; readonly body: string }
  /** `currentRv` 0: the object is not there. */
  | { readonly outcome: "conflict"; readonly currentRv: number }
  | { readonly outcome: "lease-lost" }
  | { readonly outcome: "refused"; readonly guard: Guard };

/** Queue of fan-out rows; their keys are {@link formatKey}s of the changed object. */
export const fanoutQueue = "$fanout";

/** One text for a whole key. None of the parts may hold `|`. */
export function formatKey(key: ObjectKey): string {
  return `${key.kind}|${key.namespace}|${key.name}`;
}

export function parseKey(text: string): ObjectKey {
  const [kind = "", namespace = "", name = ""] = text.split("|");
  return { kind, namespace, name };
}

/** Key of an object inside its own kind's queue. */
export function workKey(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

export function parseWorkKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
