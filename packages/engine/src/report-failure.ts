import type { PlatformError, StoredObject } from "@threeport/resource";
import { parseWorkKey, type Claim } from "@threeport/store";
import { conditionsOf } from "./conditions.ts";
import type { ReconcileContext, Reconciler } from "./reconciler.ts";

/**
 * Writes a failure where people look: the object's conditions and an event. `Stalled` when waiting does not help,
 * `Reconciling` when it is tried again. A report that cannot be written is only logged: the failure itself stands in the row.
 */
export async function reportFailure(input: {
  readonly reconciler: Reconciler;
  readonly claim: Claim;
  readonly context: ReconcileContext;
  readonly error: PlatformError;
  readonly delayMs: number;
}): Promise<void> {
  const { reconciler, claim, context, error } = input;
  if (reconciler.target === undefined) return;
  const { namespace, name } = parseWorkKey(claim.fence.key);
  try {
    const object = await context.objects.get<StoredObject>({ ...reconciler.target, name, ...(namespace === "" ? {} : { namespace }) });
    if (object === undefined) return;
    const hopeless = error.entry.retry === "never";
    const message = describe(error);
    const reason = reasonOf(error);
    const verdict = { state: hopeless ? "stalled" : "reconciling", reason, message } as const;
    const status = { ...(object["status"] as object | undefined), conditions: conditionsOf(object, verdict, context.clock) };
    await context.objects.patchStatus({ ...object, status });
    await context.event(object, { type: "Warning", reason, message });
  } catch (failure) {
    context.log.debug("a failure could not be written to its object", { key: claim.fence.key, error: String(failure) });
  }
}

/** `TP_RUNTIME_UNREACHABLE` → `RuntimeUnreachable`: conditions have CamelCase reasons. */
export function reasonOf(error: PlatformError): string {
  const given = error.detail["conditionReason"];
  if (typeof given === "string") return given;
  return error.code
    .slice(3)
    .split("_")
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join("");
}

function describe(error: PlatformError): string {
  const general = error.entry.public;
  return error.message === general ? general : error.code === "TP_INTERNAL" ? general : error.message;
}
