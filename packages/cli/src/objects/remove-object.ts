import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, PlatformError, type StoredObject } from "@threeport/resource";
import { say, type CliContext } from "../context.ts";
import { conditionOf, type Observed } from "../kinds.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { waitFor } from "../progress/wait-for.ts";

export interface Removal {
  readonly target: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly namespace?: string | undefined };
  /** How to call it. */
  readonly label: string;
  /** Undefined: {@link removalTimeoutMs}. */
  readonly timeoutMs: number | undefined;
  /** False returns as soon as the deletion was accepted. */
  readonly wait?: boolean;
  /** What uses it goes too. */
  readonly withUsers?: boolean;
  /** True where somebody has asked for the deletion before: then the object may be gone already. */
  readonly mayBeGone?: boolean;
}

/** Pods have grace periods, and a set goes object by object. */
export const removalTimeoutMs = 5 * 60_000;

/** Deletes an object and waits until it is gone, showing what it waits for. @throws PlatformError TP_NOT_FOUND, TP_IN_USE, TP_DEADLINE */
export async function removeObject(context: CliContext, client: KubeClient, removal: Removal): Promise<void> {
  const { target, label } = removal;
  const { signal } = context;
  const uid = await askToGo(client, removal, signal);
  if (uid === undefined) return say(context, `${label} deleted`);
  if (removal.wait === false) return say(context, `${label} is being deleted`);
  using view = createLiveView(context, systemClock);
  let told = "";
  view.show((frame) => [cut(`${spinnerAt(frame)} ${label} is being deleted  ${told}`, context.terminal.size().columns - 1)]);
  const timeoutMs = removal.timeoutMs ?? removalTimeoutMs;
  try {
    await waitFor(
      async () => {
        const object = await present(client, removal, signal);
        // A new object of that name is another one.
        if (object === undefined || object.metadata.uid !== uid) return true;
        told = plainText(
          (object["status"] as { deletion?: string } | undefined)?.deletion ??
            conditionOf(object as unknown as Observed, "Ready")?.message ??
            `held by ${(object.metadata.finalizers ?? []).join(", ")}`,
        );
        return undefined;
      },
      { clock: systemClock, signal, timeoutMs },
    );
  } catch (error) {
    view.end();
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    throw new PlatformError("TP_DEADLINE", {
      message: `${label} is not gone after ${durationText(timeoutMs)}: ${told}`,
      detail: {
        hint: `the deletion goes on; look at it with tptctl describe ${target.kind}/${target.name}${target.namespace === undefined ? "" : ` -n ${target.namespace}`}`,
      },
    });
  }
  view.end([`${label} deleted`]);
}

/** The uid of what is on its way out, or undefined when it has gone at once. */
async function askToGo(client: KubeClient, { target, mayBeGone, withUsers }: Removal, signal: AbortSignal): Promise<string | undefined> {
  try {
    return ((await client.delete(target, { signal, ...(withUsers === true ? { propagationPolicy: "Foreground" } : {}) })) as Partial<StoredObject> | undefined)
      ?.metadata?.uid;
  } catch (error) {
    if (mayBeGone === true && isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  }
}

async function present(client: KubeClient, { target }: Removal, signal: AbortSignal): Promise<StoredObject | undefined> {
  return client.get(target, { signal }).catch((error: unknown) => {
    if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  });
}
