import type { ScoreProbe, ScoreServicePort } from "../document.ts";

// Timings, which the format leaves to the implementation: seconds.

/** Soon enough that a new pod takes requests, and one in trouble stops to, within seconds. */
const readiness = { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 };
/** A container that hangs is restarted within half a minute; one slow answer restarts nothing. */
const liveness = { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 };
/** Looked at often, for a quick start; two minutes until it counts as failed. */
const startup = { periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 60 };

/** Where both are given, the format prefers exec. */
function handlerOf({ exec, httpGet }: ScoreProbe): object {
  if (exec !== undefined) return { exec: { command: exec.command } };
  if (httpGet === undefined) return {};
  const { host, scheme, path, port, httpHeaders } = httpGet;
  return {
    httpGet: {
      path,
      port,
      ...(host === undefined ? {} : { host }),
      ...(scheme === undefined ? {} : { scheme }),
      ...(httpHeaders === undefined ? {} : { httpHeaders }),
    },
  };
}

/** A container that is slow to start is not restarted for that: liveness counts once it has answered. */
export function probesOf(
  container: { readonly livenessProbe?: ScoreProbe | undefined; readonly readinessProbe?: ScoreProbe | undefined },
  mustStart: boolean,
): object {
  const { livenessProbe, readinessProbe } = container;
  const first = mustStart ? (readinessProbe ?? livenessProbe) : livenessProbe;
  return {
    ...(first === undefined ? {} : { startupProbe: { ...handlerOf(first), ...startup } }),
    ...(livenessProbe === undefined ? {} : { livenessProbe: { ...handlerOf(livenessProbe), ...liveness } }),
    ...(readinessProbe === undefined ? {} : { readinessProbe: { ...handlerOf(readinessProbe), ...readiness } }),
  };
}

/** Ready when the service's first TCP port takes connections: a pod that does not listen yet gets no requests. */
export function listeningProbe(ports: readonly ScoreServicePort[]): object {
  const tcp = ports.find(({ protocol = "TCP" }) => protocol === "TCP");
  return tcp === undefined ? {} : { readinessProbe: { tcpSocket: { port: tcp.targetPort ?? tcp.port }, ...readiness } };
}
