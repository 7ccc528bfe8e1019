import { rfc3339 } from "@threeport/platform";
import { PlatformError, deepClone, type KubeObject } from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName } from "../api.ts";
import { notFound, type Current } from "./current.ts";
import { untilWritten } from "./until-written.ts";
import { checkGuards, commitWrite, type WriteInput } from "./write.ts";

export interface DeleteOptions {
  readonly dryRun?: boolean;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

export interface Deleted extends Answer {
  readonly uid: string;
  /** False while finalizers hold it. */
  readonly removed: boolean;
}

/** Asks for deletion: removes at once when nothing holds the object, else marks it (K5, design.md §5.7). */
export async function deleteObject(context: ApiContext, caller: Caller, target: ObjectName, asked: DeleteOptions): Promise<Deleted> {
  const options: DeleteOptions =
    asked.propagationPolicy === undefined && target.kind.typed?.orphansUnlessSaid === true ? { ...asked, propagationPolicy: "Orphan" } : asked;
  return untilWritten(context, target, async (current) => {
    if (current === undefined) throw notFound(target);
    checkPreconditions(target, current, options);
    await context.admit?.({
      operation: "DELETE",
      kind: target.kind,
      caller,
      subresource: undefined,
      object: current.object,
      old: current.object,
      dryRun: options.dryRun === true,
    });
    const under = marked(context, target, current, options);
    const removed = (under.metadata.finalizers ?? []).length === 0;
    // What goes at once was never under deletion: it is told of as it was, unless its kind ends gracefully.
    const unmarked = removed && current.object.metadata.deletionTimestamp === undefined && target.kind.typed?.deletedIsMarked !== true;
    const next = unmarked ? current.object : under;
    const unchanged = { body: current.body, rv: current.rv, uid: current.uid, warnings: [], removed };
    if (!removed && current.object.metadata.deletionTimestamp !== undefined && sameFinalizers(current.object, next)) return unchanged;
    const guarded =
      target.kind.refuseDeleteWhileReferenced && current.object.metadata.deletionTimestamp === undefined && options.propagationPolicy !== "Foreground";
    const key = { kind: target.kind.resource, namespace: target.namespace, name: target.name };
    const write: WriteInput = {
      kind: target.kind,
      author: caller.author,
      current,
      next,
      remove: removed,
      ...(guarded ? { guards: [{ target: key, mustExist: false, unreferenced: true }] } : {}),
    };
    if (options.dryRun === true) {
      await checkGuards(context, write);
      return unchanged;
    }
    const written = await commitWrite(context, write);
    return written.conflict ? undefined : { body: written.body, rv: written.rv, uid: current.uid, warnings: [], removed };
  });
}

function checkPreconditions(target: ObjectName, current: Current, options: DeleteOptions): void {
  if (options.uid !== undefined && options.uid !== current.uid) {
    throw new PlatformError("TP_VERSION_CONFLICT", {
      message: `Operation cannot be fulfilled on ${target.kind.resource} "${target.name}": the UID in the precondition (${options.uid}) does not match the UID in record (${current.uid}). The object might have been deleted and then recreated`,
      detail: preconditioned(target),
    });
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== String(current.rv))
    throw new PlatformError("TP_VERSION_CONFLICT", {
      message: `Operation cannot be fulfilled on ${target.kind.resource} "${target.name}": the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${current.rv}). The object might have been modified`,
      detail: preconditioned(target),
    });
}

/** As upstream, which names the kind here and the resource everywhere else. */
function preconditioned({ kind, name }: ObjectName): { kind: string; group: string; name: string } {
  return { kind: kind.kind, group: kind.group, name };
}

/**
 * The object with its deletion mark; propagation is written as the finalizer that the garbage collector acts on. A later
 * delete may choose another propagation: its finalizer leaves then, but none comes (K5).
 */
function marked(context: ApiContext, target: ObjectName, current: Current, options: DeleteOptions): KubeObject {
  const next: KubeObject = deepClone(current.object);
  const alreadyMarked = current.object.metadata.deletionTimestamp !== undefined;
  const chosen =
    target.kind.typed?.ownsNothing === true
      ? undefined
      : options.propagationPolicy === "Foreground"
        ? "foregroundDeletion"
        : options.propagationPolicy === "Orphan"
          ? "orphan"
          : undefined;
  const outdated = (name: string) => options.propagationPolicy !== undefined && name !== chosen && (name === "foregroundDeletion" || name === "orphan");
  const finalizers = new Set((next.metadata.finalizers ?? []).filter((name) => !outdated(name)));
  if (chosen !== undefined && !alreadyMarked) finalizers.add(chosen);
  if (finalizers.size > 0) next.metadata.finalizers = [...finalizers];
  else delete next.metadata.finalizers;
  if (alreadyMarked) return next;
  next.metadata.deletionTimestamp = rfc3339(context.clock.now());
  next.metadata.deletionGracePeriodSeconds = 0;
  if (target.kind.hasGeneration) next.metadata.generation = (next.metadata.generation ?? 0) + 1; // K1
  target.kind.prepare(next, current.object);
  return next;
}

function sameFinalizers(a: KubeObject, b: KubeObject): boolean {
  return JSON.stringify(a.metadata.finalizers ?? []) === JSON.stringify(b.metadata.finalizers ?? []);
}
