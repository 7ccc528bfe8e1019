import type { Cursor } from "../cursor.ts";
import { progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { at, quote } from "../text.ts";
import { stateOf, titleOf, type Container } from "./container.ts";

/**
 * How long a container that has just started may be not ready before its probe is called failing, in ms: Kubernetes'
 * default of three probes, ten seconds apart.
 */
const PROBE_GRACE_MS = 30_000;

/** What a probe asks: `GET :8080/healthz`, `TCP :5432`, `command pg_isready`, `gRPC :9000`. */
export function describeProbe(probe: Cursor): string {
  const port = (kind: string): string => {
    const value = probe.at(kind, "port").value;
    return typeof value === "number" || typeof value === "string" ? `:${value}` : "";
  };
  if (probe.at("httpGet").exists) return `GET ${port("httpGet")}${quote(probe.text("httpGet", "path") ?? "/")}`;
  if (probe.at("tcpSocket").exists) return `TCP ${port("tcpSocket")}`;
  if (probe.at("grpc").exists) return `gRPC ${port("grpc")}`;
  if (probe.at("exec").exists)
    return `command ${quote(
      probe
        .list("exec", "command")
        .map((part) => part.text() ?? "")
        .join(" "),
    )}`;
  return "unknown";
}

/** A container that runs and is not ready: which probe has not said yes, and since when. */
export function probeProblem(container: Container, scene: Scene, notReadySince: number | undefined): Finding | undefined {
  const state = stateOf(container);
  if (state?.name !== "running" || container.ready) return undefined;
  const running = state.detail.moment("startedAt");
  if (running !== undefined && !scene.time.reached(running + PROBE_GRACE_MS))
    return routine("Starting", `${titleOf(container)} has started${since(running)} and is not ready yet.`, container.status.at("ready").pointer);
  const startup = container.spec.at("startupProbe");
  if (!container.started && startup.exists) {
    return progressing(
      "StartupProbeFailing",
      `${titleOf(container)} runs${since(running)}, but its startup probe (${describeProbe(startup)}) has not succeeded yet. Read its output with tptctl logs; if it needs longer to start, raise the probe's failureThreshold.`,
      container.status.at("started").pointer,
    );
  }
  const readiness = container.spec.at("readinessProbe");
  const evidence = container.status.at("ready").pointer;
  if (!readiness.exists) return progressing("ContainerNotReady", `${titleOf(container)} runs${since(running)} but is not ready yet.`, evidence);
  return progressing(
    "ReadinessProbeFailing",
    `${titleOf(container)} runs, but its readiness probe (${describeProbe(readiness)}) has not succeeded${since(notReadySince ?? running)}. Check that the app answers it; read its output with tptctl logs.`,
    evidence,
  );
}

function since(moment: number | undefined): string {
  return moment === undefined ? "" : ` since ${at(moment)}`;
}
