import type { Objects, Kind } from "@threeport/resource";
import type { Reconciler } from "@threeport/engine";
import type { Fence, Store } from "@threeport/store";
import type { Tools } from "./control-plane.ts";
import type { Home } from "./home.ts";

export interface ModulesInput {
  readonly controlPlaneId: string;
  readonly home: Home;
  readonly tools: Tools;
  readonly store: Store;
  readonly objectsFor: (author: { readonly fence: Fence | undefined; readonly priority: 0 | 1 | 2 }) => Objects;
}

/** All domains, put together. */
export interface Modules extends AsyncDisposable {
  readonly kinds: readonly Kind[];
  readonly reconcilers: readonly Reconciler[];
  /** Begins what runs beside the reconcilers: connections to clusters. */
  start(objects: Objects): void;
}

export function assembleModules(_input: ModulesInput): Modules {
  return { kinds: [], reconcilers: [], start: () => {}, async [Symbol.asyncDispose]() {} };
}
