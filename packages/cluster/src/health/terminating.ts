import { conditionsOf, when } from "./conditions.ts";
import type { Finding } from "./finding.ts";
import type { Scene } from "./scene.ts";
import { at, enumerate, quote } from "./text.ts";

/**
 * How long after its grace period a Pod may still be there, in ms: the kubelet needs seconds to confirm; a minute means
 * that it does not answer.
 */
const POD_OVERDUE_MS = 60_000;

/** `deletionTimestamp` is set: says what deletion waits for. */
export function terminating(scene: Scene): Finding {
  const { object, id } = scene;
  const finalizers = object.list("metadata", "finalizers").map((element) => element.text() ?? "");
  if (id.kind === "Namespace") return terminatingNamespace(scene, finalizers);
  if (finalizers.length > 0) {
    const who = finalizers.length === 1 ? "the finalizer" : "the finalizers";
    return found(
      "FinalizersPending",
      `It is being deleted and waits for ${who} ${enumerate(finalizers)}. If this lasts, look at the controller that owns ${finalizers.length === 1 ? "it" : "them"}.`,
      "/metadata/finalizers",
    );
  }
  const due = object.moment("metadata", "deletionTimestamp") ?? 0;
  if (id.kind === "Pod" && scene.time.reached(due + POD_OVERDUE_MS)) {
    const node = object.text("spec", "nodeName");
    return found(
      "NodeNotConfirming",
      `It should have ended at ${at(due)}, but ${node === undefined ? "no node" : `node ${node} does not`} confirm${node === undefined ? "s" : ""} it. Check that the node is up.`,
      "/metadata/deletionTimestamp",
    );
  }
  return found(
    "Deleting",
    id.kind === "Pod" ? "It is being deleted; its containers have their grace period to end." : "It is being deleted.",
    "/metadata/deletionTimestamp",
  );
}

/** A namespace goes when everything in it is gone; its conditions say what is left. */
function terminatingNamespace({ object }: Scene, own: readonly string[]): Finding {
  const conditions = conditionsOf(object);
  for (const type of ["NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure", "NamespaceDeletionContentFailure"]) {
    const failure = when(conditions, type, "True");
    if (failure !== undefined)
      return found(
        failure.reason || type,
        `Its content cannot be deleted: ${quote(failure.message)}. Often an APIService without a running backend is the cause.`,
        failure.pointer,
      );
  }
  const blocked = when(conditions, "NamespaceFinalizersRemaining", "True");
  if (blocked !== undefined)
    return found(
      "FinalizersPending",
      `It is being deleted and waits for finalizers of objects in it: ${quote(blocked.message)}. Look at the controllers that own them.`,
      blocked.pointer,
    );
  const content = when(conditions, "NamespaceContentRemaining", "True");
  if (content !== undefined) return found("ContentRemaining", `It is being deleted and waits for its content: ${quote(content.message)}.`, content.pointer);
  if (own.length > 0) return found("FinalizersPending", `It is being deleted and waits for the finalizers ${enumerate(own)}.`, "/metadata/finalizers");
  return found("Deleting", "It is being deleted, with everything in it.", "/metadata/deletionTimestamp");
}

function found(reason: string, message: string, evidence: string): Finding {
  return { state: "Terminating", reason, message, evidence };
}
