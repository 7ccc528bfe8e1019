import type { Subresource, SubresourceRequest, Subresources } from "@threeport/apiserver";
import { PlatformError, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { fieldsOf, podKind, type Fields } from "../controllers/owned.ts";
import { containersIn } from "../nodes/amounts.ts";
import { keyOf } from "./key-of.ts";
import { logText, startLines, type ContainerRun, type LogLine, type LogQuery } from "./logs.ts";

/** `pods/log`, and refusals for what needs a program that runs. `clusterOf` is asked when somebody calls. */
export function podSubresources(clusterOf: () => SimCluster): Subresources {
  const refused = (what: string): Subresource => ({
    verbs: ["create"],
    answers: "stream",
    serve: async ({ namespace, name }) => {
      await podOf(clusterOf(), namespace, name);
      throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `${what} is not possible: containers of a simulated cluster do not run` });
    },
  });
  return new Map([
    ["pods/log", { verbs: ["get"], answers: "text", serve: async (request) => ({ kind: "text", pieces: await logOf(clusterOf(), request) }) }],
    ["pods/exec", refused("exec")],
    ["pods/attach", refused("attach")],
    ["pods/portforward", refused("port-forward")],
  ]);
}

async function podOf(cluster: SimCluster, namespace: string, name: string): Promise<StoredObject> {
  const pod = await cluster.objects.get({ ...podKind, namespace, name });
  if (pod === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `pods "${name}" not found`, detail: { kind: "pods", name } });
  return pod;
}

async function logOf(cluster: SimCluster, { namespace, name, query, signal }: SubresourceRequest): Promise<AsyncIterable<string>> {
  const sinceSeconds = query.integer("sinceSeconds");
  const asked: LogQuery = {
    tailLines: query.integer("tailLines"),
    timestamps: query.flag("timestamps") === true,
    fromMs: sinceSeconds === undefined ? undefined : cluster.time.now() - sinceSeconds * 1_000,
  };
  const pod = await podOf(cluster, namespace, name);
  const container = containerOf(pod, query.text("container"));
  if (fieldsOf(pod["spec"])["nodeName"] === undefined) return pieces([""]);
  const run = { pod: keyOf(pod), uid: pod.metadata.uid, container: String(container["name"]) };
  const lines = linesOf(cluster, { pod, container, run, previous: query.flag("previous") === true });
  if (query.flag("follow") !== true || !lines.going) return pieces([logText(lines.written, asked)]);
  return follow(cluster, { run, written: lines.written, asked, signal });
}

interface Wanted {
  readonly pod: StoredObject;
  readonly container: Fields;
  readonly run: ContainerRun;
  readonly previous: boolean;
}

/** Which run is meant, as a kubelet decides it. `going`: more may come. */
function linesOf(cluster: SimCluster, { pod, container, run, previous }: Wanted): { readonly written: readonly LogLine[]; readonly going: boolean } {
  const statuses = (fieldsOf(pod["status"])["containerStatuses"] as readonly Fields[] | undefined) ?? [];
  const status = statuses.find(({ name }) => name === run.container);
  const { running, waiting, terminated } = fieldsOf(status?.["state"]);
  const hasEnded = fieldsOf(status?.["lastState"])["terminated"] !== undefined;
  const refuse = (message: string): never => {
    throw new PlatformError("TP_BAD_REQUEST", { message });
  };
  if (previous) {
    if (!hasEnded) refuse(`previous terminated container "${run.container}" in pod "${pod.metadata.name}" not found`);
    return { written: cluster.logs.ended(run), going: false };
  }
  if (running !== undefined) return { written: startLines(container, Date.parse(String(fieldsOf(running)["startedAt"]))), going: true };
  if (terminated !== undefined || hasEnded) return { written: cluster.logs.ended(run), going: false };
  const reason = String(fieldsOf(waiting)["reason"] ?? "ContainerCreating");
  const why = reason === "ImagePullBackOff" ? "trying and failing to pull image" : reason;
  return refuse(`container "${run.container}" in pod "${pod.metadata.name}" is waiting to start: ${why}`);
}

interface Followed {
  readonly run: ContainerRun;
  readonly written: readonly LogLine[];
  readonly asked: LogQuery;
  readonly signal: AbortSignal;
}

/** What is there, and when the run ends the rest of it. Then the stream ends, as a kubelet's does. */
async function* follow(cluster: SimCluster, { run, written, asked, signal }: Followed): AsyncGenerator<string> {
  yield logText(written, asked);
  const left = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => left.resolve(), { once: true });
  await Promise.race([cluster.logs.untilEnd(run), left.promise]);
  if (!signal.aborted) yield logText(cluster.logs.ended(run).slice(written.length), { ...asked, tailLines: undefined });
}

function containerOf(pod: StoredObject, name: string | undefined): Fields {
  const spec = fieldsOf(pod["spec"]);
  const containers = containersIn(spec, "containers");
  const all = [...containersIn(spec, "initContainers"), ...containers];
  const found = name === undefined && containers.length === 1 ? containers[0] : all.find((each) => each["name"] === name);
  if (found !== undefined) return found;
  const names = all.map((each) => String(each["name"])).join(" ");
  throw new PlatformError("TP_BAD_REQUEST", {
    message:
      name === undefined
        ? `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names}]`
        : `container ${name.slice(0, 100)} is not valid for pod ${pod.metadata.name}`,
  });
}

async function* pieces(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}
