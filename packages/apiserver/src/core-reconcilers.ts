import type { ObjectStore } from "@threeport/store";
import { judgeDefinition } from "./crd/accept-names.ts";
import { cleanupFinalizer, definitionsResource, namesAccepted, type Definition } from "./crd/definition.ts";
import { namespaceFinalizer } from "./kinds/core.ts";
import { gcQueue } from "./pipeline/references.ts";
import type { Registry } from "./registry.ts";

/**
 * What the engine's reconcilers of the API server's own kinds work with: `gcReconciler(garbage)`, `namespaceReconciler(namespaces)` and
 * `definitionsReconciler(definitions)`. Who serves an API runs these three, or namespaces, owners and CustomResourceDefinitions never end.
 */
export function coreReconcilers({ registry, store }: { readonly registry: Registry; readonly store: Pick<ObjectStore, "reader" | "references"> }) {
  const kindByResource = registry.byResource;
  return {
    garbage: { queue: gcQueue, references: store.references, kindByResource, kindByBody: registry.byKind },
    namespaces: { finalizer: namespaceFinalizer, namespacedKinds: () => registry.resources().filter((kind) => kind.namespaced && !kind.computed) },
    definitions: {
      resource: definitionsResource,
      finalizer: cleanupFinalizer,
      reader: store.reader,
      kindByResource,
      judge: (definition: object, now: string) => judgeDefinition(registry, definition as Definition, now),
      accepted: namesAccepted,
    },
  };
}
