import type { Cursor } from "../cursor.ts";
import type { Scene } from "../scene.ts";

/** One container of a Pod: what was asked for and what became of it. */
export interface Container {
  readonly name: string;
  /** `init` runs to its end before the others start; a `sidecar` is an init container that keeps running. */
  readonly role: "init" | "sidecar" | "main";
  readonly image: string;
  readonly ready: boolean;
  /** False until the startup probe has succeeded. */
  readonly started: boolean;
  readonly restarts: number;
  /** The entry in `initContainerStatuses` or `containerStatuses`. */
  readonly status: Cursor;
  /** The entry in the spec; absent in a status that is ahead of it. */
  readonly spec: Cursor;
}

export type StateName = "waiting" | "running" | "terminated";

/** All containers that have a status, in the order in which they start. */
export function containersOf({ object }: Scene): Container[] {
  return [
    ...read(object, "initContainerStatuses", "initContainers", (spec) => (spec.text("restartPolicy") === "Always" ? "sidecar" : "init")),
    ...read(object, "containerStatuses", "containers", () => "main"),
  ];
}

function read(object: Cursor, statuses: string, specs: string, roleOf: (spec: Cursor) => Container["role"]): Container[] {
  const specByName = new Map(object.list("spec", specs).map((spec) => [spec.text("name") ?? "", spec]));
  return object.list("status", statuses).map((status) => {
    const name = status.text("name") ?? "";
    const spec = specByName.get(name) ?? object.at("spec", "absent");
    return {
      name,
      role: roleOf(spec),
      image: spec.text("image") ?? status.text("image") ?? "",
      ready: status.flag("ready") ?? false,
      started: status.flag("started") ?? true,
      restarts: status.number("restartCount") ?? 0,
      status,
      spec,
    };
  });
}

/** The state that the container is in now; none before the kubelet has looked. */
export function stateOf(container: Container): { readonly name: StateName; readonly detail: Cursor } | undefined {
  for (const name of ["waiting", "running", "terminated"] as const) {
    const detail = container.status.at("state", name);
    if (detail.exists) return { name, detail };
  }
  return undefined;
}

/** How the run before this one ended. */
export function lastExit(container: Container): Cursor | undefined {
  const terminated = container.status.at("lastState", "terminated");
  return terminated.exists ? terminated : undefined;
}

/** `Container "web"`, `Init container "migrate"`. */
export function titleOf(container: Container): string {
  const kind = container.role === "init" ? "Init container" : container.role === "sidecar" ? "Sidecar" : "Container";
  return `${kind} "${container.name}"`;
}
