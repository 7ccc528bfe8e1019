import { fieldsOf, type Fields } from "../controllers/owned.ts";

/** What a kubelet says of a probe that failed. Undefined where the container has none. */
export function probeFailure(container: Fields, which: "readinessProbe" | "livenessProbe", podIp: string): string | undefined {
  const probe = container[which];
  if (probe === undefined) return undefined;
  const { httpGet, tcpSocket, grpc } = fieldsOf(probe);
  const name = which === "readinessProbe" ? "Readiness" : "Liveness";
  if (httpGet !== undefined) return `${name} probe failed: HTTP probe failed with statuscode: 503`;
  if (tcpSocket !== undefined) return `${name} probe failed: dial tcp ${podIp}:${portOf(container, fieldsOf(tcpSocket)["port"])}: connect: connection refused`;
  if (grpc !== undefined) return `${name} probe failed: service unhealthy (responded with "NOT_SERVING")`;
  return `${name} probe failed: `; // what the command wrote: nothing
}

function portOf(container: Fields, port: unknown): string {
  const ports = (container["ports"] as readonly Fields[] | undefined) ?? [];
  return String(ports.find(({ name }) => name === port)?.["containerPort"] ?? port);
}
