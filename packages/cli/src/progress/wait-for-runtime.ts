import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import type { CliContext } from "../context.ts";
import { conditionOf, isCurrent, runtimeInstance, type Observed } from "../kinds.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt } from "./live-view.ts";
import { waitFor } from "./wait-for.ts";

/** A cluster that exists answers at once or not at all. */
export const kubeconfigTimeoutMs = 60_000;
/** A first local cluster may have its programs downloaded or built. */
export const localTimeoutMs = 45 * 60_000;

export interface RuntimeWait {
  readonly name: string;
  readonly timeoutMs: number;
  /** What Ready must not still say from before; for claims. */
  readonly stillOld?: (runtime: Observed) => boolean;
}

/** Shows what the runtime says of itself until it is Ready. @throws PlatformError TP_NOT_HEALTHY when it is Stalled; TP_DEADLINE */
export async function waitForRuntime(context: CliContext, client: KubeClient, input: RuntimeWait): Promise<void> {
  const { name } = input;
  const { paint } = context.terminal;
  using view = createLiveView(context, systemClock);
  const startedMs = systemClock.monotonic();
  let told = "";
  const tell = (sentence: string): void => {
    if (sentence === told) return;
    told = sentence;
    if (!context.terminal.interactive) view.keep(`runtime ${name}: ${sentence}`);
  };
  view.show((frame) => [
    cut(`${spinnerAt(frame)} runtime ${name}  ${durationText(systemClock.monotonic() - startedMs)}  ${told}`, context.terminal.size().columns - 1),
  ]);
  try {
    const verdict = await waitFor(
      async () => {
        const runtime = await client.get<Observed>({ ...runtimeInstance, name }, { signal: context.signal });
        const ready = conditionOf(runtime, "Ready");
        if (ready === undefined || !isCurrent(runtime, ready) || input.stillOld?.(runtime) === true) return undefined;
        tell(plainText(ready.message));
        if (ready.status === "True") return { ready: true, message: ready.message };
        const stalled = conditionOf(runtime, "Stalled")?.status === "True";
        return stalled ? { ready: false, message: `${ready.reason}: ${ready.message}` } : undefined;
      },
      { clock: systemClock, signal: context.signal, timeoutMs: input.timeoutMs, onTrouble: (sentence) => tell(sentence ?? "the control plane answers again") },
    );
    if (!verdict.ready)
      throw new PlatformError("TP_NOT_HEALTHY", {
        message: `runtime ${name} cannot be used: ${verdict.message}`,
        detail: { hint: `tptctl describe runtime ${name} tells more; tptctl runtime delete ${name} removes it` },
      });
    view.end([`${paint("green", "✔")} runtime ${name}: ${plainText(verdict.message)}`]);
  } catch (error) {
    view.end();
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    throw new PlatformError("TP_DEADLINE", {
      message: `runtime ${name} is not ready after ${durationText(input.timeoutMs)}: ${told || "it has not said anything yet"}`,
      detail: { hint: `it is tried further; tptctl runtime list shows it, tptctl runtime delete ${name} removes it` },
    });
  }
}
