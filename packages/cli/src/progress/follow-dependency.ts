import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { type CliContext } from "../context.ts";
import { conditionOf, dependency, isCurrent, projectFlag, type Dependency } from "../kinds.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt } from "./live-view.ts";
import { waitFor } from "./wait-for.ts";

export interface Followed {
  /** As it was written: what is waited for is what becomes of that. */
  readonly dependency: Dependency;
  /** What is said of it at the end. */
  readonly goal: string;
  /** Undefined: {@link followTimeoutMs}. */
  readonly timeoutMs: number | undefined;
}

/** A server with a volume starts anew in less. */
const followTimeoutMs = 5 * 60_000;
/** A stall that may be about what was before counts when it has stood for this long. */
const stallSettlesMs = 3_000;

/** Shows a dependency until it is as its spec asks. @throws PlatformError TP_NOT_HEALTHY, TP_DEADLINE */
export async function followDependency(
  context: CliContext,
  client: KubeClient,
  { dependency: written, goal, timeoutMs = followTimeoutMs }: Followed,
): Promise<void> {
  const { name, namespace, generation = 0 } = written.metadata;
  const { signal } = context;
  using view = createLiveView(context, systemClock);
  let told = "";
  let stalledSince: number | undefined;
  view.show((frame) => [cut(`${spinnerAt(frame)} ${name}  ${told}`, context.terminal.size().columns - 1)]);
  const hint = `tptctl describe dependency/${name}${projectFlag(namespace)} tells more; what was asked for goes on`;
  try {
    await waitFor(
      async () => {
        const now = await client.get<Dependency>({ ...dependency, name, namespace }, { signal });
        const ready = conditionOf(now, "Ready");
        told = plainText(ready?.message ?? "");
        const current = (now.metadata.generation ?? 0) >= generation && isCurrent(now, ready) && now.spec.rematchTo === undefined;
        if (current && ready?.status === "True") return true;
        const stalled = conditionOf(now, "Stalled")?.status === "True" && isCurrent(now, ready);
        if (!stalled) stalledSince = undefined;
        else stalledSince ??= systemClock.monotonic();
        if (stalledSince === undefined || systemClock.monotonic() - stalledSince < stallSettlesMs) return undefined;
        throw new PlatformError("TP_NOT_HEALTHY", { message: `${name}: ${ready?.reason ?? ""}: ${told}`, detail: { hint } });
      },
      { clock: systemClock, signal, timeoutMs },
    );
  } catch (error) {
    view.end();
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    throw new PlatformError("TP_DEADLINE", { message: `${name} is not ready after ${durationText(timeoutMs)}: ${told}`, detail: { hint } });
  }
  view.end([`${name} ${goal}`]);
}
