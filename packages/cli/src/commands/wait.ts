import { formatApiVersion, isErrorCode, PlatformError } from "@threeport/resource";
import { systemClock } from "@threeport/platform";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { conditionOf, defaultProject, isCurrent, type Observed } from "../kinds.ts";
import { fullName } from "../objects/find-resource.ts";
import { readOne } from "../objects/selection.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { waitFor } from "../progress/wait-for.ts";

/** As `tptctl deploy`. */
const timeoutDefaultMs = 5 * 60_000;

type Goal = { readonly kind: "delete" } | { readonly kind: "condition"; readonly type: string; readonly status: string };

export async function wait(
  this: CliContext,
  flags: { readonly for: string; readonly namespace?: string; readonly timeout?: number },
  ...args: string[]
): Promise<void> {
  const goal = readGoal(flags.for);
  const { signal } = this;
  await using client = await connect(this);
  const { resource, name } = readOne(await client.discover({ signal }), args);
  const namespace = resource.namespaced ? (flags.namespace ?? defaultProject) : undefined;
  const target = { apiVersion: formatApiVersion(resource.group, resource.version), kind: resource.kind, name, namespace };
  const timeoutMs = flags.timeout ?? timeoutDefaultMs;
  using view = createLiveView(this, systemClock);
  let told = "";
  view.show((frame) => [cut(`${spinnerAt(frame)} ${fullName(resource, name)}  ${told}`, this.terminal.size().columns - 1)]);
  try {
    await waitFor(
      async () => {
        const object = await client.get<Observed>(target, { signal }).catch((error: unknown) => {
          if (isErrorCode(error, "TP_NOT_FOUND") && goal.kind === "delete") return undefined;
          throw error;
        });
        if (object === undefined) return true;
        told = plainText(conditionOf(object, "Ready")?.message ?? "");
        return goal.kind === "condition" && holds(object, goal) ? true : undefined;
      },
      { clock: systemClock, signal, timeoutMs },
    );
  } catch (error) {
    view.end();
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    throw new PlatformError("TP_DEADLINE", {
      message: `${fullName(resource, name)} is not as awaited after ${durationText(timeoutMs)}${told === "" ? "" : `: ${told}`}`,
      detail: { hint: `tptctl describe ${resource.singular || resource.resource}/${name} tells more` },
    });
  }
  view.end();
  say(this, `${fullName(resource, name)} ${goal.kind === "delete" ? "deleted" : "condition met"}`);
}

function readGoal(text: string): Goal {
  if (text === "delete") return { kind: "delete" };
  const [, type, status = "True"] = /^condition=([A-Za-z][\w./-]{0,200})(?:=(\w{1,20}))?$/.exec(text) ?? [];
  if (type === undefined)
    throw new PlatformError("TP_USAGE", {
      message: `--for takes condition=TYPE, condition=TYPE=STATUS or delete, not ${JSON.stringify(text.slice(0, 60))}`,
      detail: { hint: "for example: --for=condition=Ready" },
    });
  return { kind: "condition", type, status };
}

/** A condition of an earlier generation says nothing about this one. */
function holds(object: Observed, goal: { readonly type: string; readonly status: string }): boolean {
  const found = object.status?.conditions?.find((condition) => condition.type.toLowerCase() === goal.type.toLowerCase());
  return found !== undefined && isCurrent(object, found) && found.status.toLowerCase() === goal.status.toLowerCase();
}
