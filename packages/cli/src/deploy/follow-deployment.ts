import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, PlatformError, type ErrorCause } from "@threeport/resource";
import { Interrupted, type CliContext } from "../context.ts";
import { projectFlag, workloadDefinition, workloadInstance, type WorkloadDefinition, type WorkloadInstance, type WorstObject } from "../kinds.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt, type LiveView } from "../progress/live-view.ts";
import { waitFor } from "../progress/wait-for.ts";
import { fetchTree } from "../tree/fetch-tree.ts";
import { treeLines } from "../tree/render-tree.ts";
import { treeChanges, type Told } from "../tree/tree-changes.ts";
import { withoutSets, type TreeNode } from "../tree/tree-node.ts";
import { judge, type Goal, type Judgement } from "./judge.ts";

export interface Deployment {
  readonly project: string;
  readonly definition: string;
  readonly instance: string;
  readonly goal: Goal;
  readonly timeoutMs: number;
  /** When the time began to count, by the monotonic clock. */
  readonly startedMs: number;
}

/** A stall that may be about what was before this deploy counts when it has stood for this long. */
const stallSettlesMs = 3_000;
/** Rows of a final picture on a terminal. */
const finalRowsMax = 60;

interface View {
  readonly judgement: Judgement;
  readonly tree: TreeNode | undefined;
  readonly instance: WorkloadInstance;
}

/**
 * Shows a deployment until it runs what was asked for and is healthy.
 * @throws PlatformError TP_NOT_HEALTHY, TP_DEADLINE, TP_VERSION_CONFLICT
 */
export async function followDeployment(context: CliContext, client: KubeClient, deployment: Deployment): Promise<void> {
  const { startedMs } = deployment;
  const timeoutMs = Math.max(0, startedMs + deployment.timeoutMs - systemClock.monotonic());
  const { terminal } = context;
  using view = createLiveView(context, systemClock);
  const picture = createPicture(context, view, deployment);
  let last: View | undefined;
  let stalledSince: number | undefined;
  try {
    const judgement = await waitFor(
      async () => {
        last = await look(client, deployment, context.signal);
        const { judgement } = last;
        picture.update(last);
        if (judgement.state === "waiting") stalledSince = undefined;
        if (judgement.state !== "stalled") return judgement.state === "waiting" ? undefined : judgement;
        stalledSince ??= systemClock.monotonic();
        return judgement.settled || systemClock.monotonic() - stalledSince >= stallSettlesMs ? judgement : undefined;
      },
      { clock: systemClock, signal: context.signal, timeoutMs, onTrouble: picture.trouble },
    );
    const took = durationText(systemClock.monotonic() - startedMs);
    if (judgement.state === "ready") {
      const objects = last?.instance.status?.objects;
      view.end([
        ...picture.final(last),
        `${terminal.paint("green", "✔")} ${deployment.instance} is ready: release ${judgement.release}${objects === undefined ? "" : `, ${objects} objects healthy`} (${took})`,
      ]);
      return;
    }
    view.end(picture.final(last));
    throw failure(deployment, judgement, last);
  } catch (error) {
    view.end(picture.final(last));
    if (context.signal.reason instanceof Interrupted) {
      throw new PlatformError("TP_USAGE", {
        message: `the deployment goes on without you; look at it with tptctl tree ${deployment.instance}${projectFlag(deployment.project)}`,
        cause: context.signal.reason,
      });
    }
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    const told = last === undefined || last.judgement.state !== "waiting" ? "" : `: ${last.judgement.reason}: ${last.judgement.message}`;
    throw new PlatformError("TP_DEADLINE", {
      message: `${deployment.instance} is not ready after ${durationText(deployment.timeoutMs)}${told}`,
      causes: worstOf(last),
      detail: { hint: `it goes on by itself; ${nextCommands(deployment)}` },
    });
  }
}

async function look(client: KubeClient, { project, definition, instance, goal }: Deployment, signal: AbortSignal): Promise<View> {
  const [definitionNow, instanceNow, tree] = await Promise.all([
    client.get<WorkloadDefinition>({ ...workloadDefinition, namespace: project, name: definition }, { signal }),
    client.get<WorkloadInstance>({ ...workloadInstance, namespace: project, name: instance }, { signal }),
    fetchTree(client, { namespace: project, name: instance }, signal),
  ]);
  return { judgement: judge(goal, definitionNow, instanceNow), tree: tree === undefined ? undefined : withoutSets(tree), instance: instanceNow };
}

interface Picture {
  update(view: View): void;
  readonly trouble: (sentence: string | undefined) => void;
  final(view: View | undefined): string[];
}

/** On a terminal the tree itself, redrawn; in a pipe one line for each change. */
function createPicture(context: CliContext, live: LiveView, deployment: Deployment): Picture {
  const { terminal } = context;
  let told: Told = new Map();
  let said = "";
  let current: View | undefined;
  let trouble: string | undefined;

  const head = (frame: number): string => {
    const judgement = current?.judgement;
    const sentence =
      trouble ?? (judgement?.state === "waiting" || judgement?.state === "stalled" ? `${judgement.reason}: ${plainText(judgement.message)}` : "");
    return cut(
      `${spinnerAt(frame)} ${deployment.instance}  ${current?.instance.status?.objects ?? ""}  ${durationText(systemClock.monotonic() - deployment.startedMs)}  ${sentence}`,
      terminal.size().columns - 1,
    );
  };
  const body = (rows: number, mark: string): string[] =>
    current?.tree === undefined ? [] : treeLines(current.tree, { terminal, columns: terminal.size().columns - 1, rows, progressMark: mark }).slice(1);
  live.show((frame) => [head(frame), ...body(Math.max(terminal.size().rows - 2, 2), spinnerAt(frame))]);

  return {
    update(view) {
      const first = current === undefined;
      current = view;
      // What is well at the first look has not changed: there is nothing to tell.
      if (terminal.interactive || (first && view.judgement.state === "ready")) return;
      const { judgement, tree } = view;
      const sentence =
        judgement.state === "waiting" || judgement.state === "stalled" ? `${deployment.instance}: ${judgement.reason}: ${plainText(judgement.message)}` : "";
      if (sentence !== "" && sentence !== said) live.keep((said = sentence));
      if (tree === undefined || (judgement.state === "waiting" && !judgement.applied)) return;
      const changes = treeChanges(told, tree);
      told = changes.told;
      for (const line of changes.lines) live.keep(`  ${line}`);
    },
    trouble(sentence) {
      trouble = sentence === undefined ? undefined : `waiting for the control plane: ${plainText(sentence)}`;
      if (!terminal.interactive) live.keep(trouble ?? "the control plane answers again");
    },
    final: () => (terminal.interactive ? body(finalRowsMax, "…") : []),
  };
}

function failure(deployment: Deployment, judgement: Exclude<Judgement, { state: "ready" | "waiting" }>, last: View | undefined): PlatformError {
  if (judgement.state === "superseded") {
    return new PlatformError("TP_VERSION_CONFLICT", {
      message: `workload ${deployment.definition} was changed by somebody else while this was deployed (generation ${judgement.generation}, this was ${deployment.goal.definitionGeneration})`,
      detail: { hint: `see what is deployed now: tptctl tree ${deployment.instance}${projectFlag(deployment.project)}` },
    });
  }
  return new PlatformError("TP_NOT_HEALTHY", {
    message: `${deployment.instance} has stalled: ${judgement.reason}: ${judgement.message}`,
    causes: worstOf(last),
    detail: { hint: nextCommands(deployment) },
  });
}

function worstOf(view: View | undefined): ErrorCause[] {
  return (view?.instance.status?.worst ?? []).map((worst: WorstObject) => ({
    field: `${worst.kind ?? ""}/${worst.name ?? ""}`,
    message: [worst.reason, worst.message].filter((part) => part !== undefined && part !== "").join(": "),
  }));
}

function nextCommands(deployment: Deployment): string {
  const of = `${deployment.instance}${projectFlag(deployment.project)}`;
  return `tptctl why ${of} tells the cause, tptctl tree ${of} shows its objects; correct the files and deploy again`;
}
