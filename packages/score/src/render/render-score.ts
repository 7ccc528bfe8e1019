import type { ErrorCause, KubeObject } from "@threeport/resource";
import { kindAnnotation, ownPrefixes, serviceNameOf } from "../annotations.ts";
import { inOrder } from "../check-order.ts";
import type { ScoreContainer, ScoreDocument, ScoreServicePort } from "../document.ts";
import type { Scope } from "../expand.ts";
import { below, invalid } from "../field.ts";
import { identityOf, identityText, resourcesOf } from "../identity.ts";
import { provideResources } from "../provide.ts";
import { emptyDirOf, kubernetesBytes } from "../resource-types/volume.ts";
import type { Need, ProvisionContext } from "../resource-types/resource-type.ts";
import { filesOf } from "./files.ts";
import { podVolumeName, shortName } from "./names.ts";
import { listeningProbe, probesOf } from "./probes.ts";
import { environmentOf } from "./variables.ts";

export interface RenderContext extends ProvisionContext {
  /** A short digest of a text that tells nothing about it: pods are replaced when that of their files changes. */
  readonly digest: (content: string) => string;
}

/** `needs`: what others must provide, as far as it is known; see {@link Need}. */
export type RenderedScore = { readonly needs: readonly Need[] } & RenderedAs;

type RenderedAs =
  | { readonly kind: "objects"; readonly objects: readonly KubeObject[] }
  | { readonly kind: "invalid"; readonly causes: readonly ErrorCause[] }
  /** Workloads of the project that it names are not there yet, or resources of it are not provided. */
  | { readonly kind: "waiting"; readonly workloads: readonly string[]; readonly resources: readonly string[] };

/** On pod templates and selectors; value: the workload. */
const workloadLabel = "threeport.io/workload";
const filesAnnotation = "threeport.io/files-digest";
/** Of secret outputs that variables read: a changed one replaces the pods. */
const secretsAnnotation = "threeport.io/secrets-digest";
/** Written by the author of the file: `off` leaves pods ready as soon as they run. */
const defaultReadinessAnnotation = "threeport.io/default-readiness";

/** Seconds between the word that a pod goes and its signal: the cluster's proxies stop to send it requests meanwhile. */
const drainSeconds = 5;
/** Seconds until it is killed, those above included. */
const endSeconds = 35;

/** A checked document as Kubernetes objects without a namespace. Pure: same input, same objects in the same order. */
export function renderScore(document: ScoreDocument, context: RenderContext): RenderedScore {
  const { outputs, whyNot, causes, missing, needs, waiting } = provideResources(document, context);
  if (causes.length > 0) return { kind: "invalid", causes, needs };
  if (missing.length > 0 || waiting.length > 0) return { kind: "waiting", workloads: missing, resources: waiting, needs };
  const pod = renderPod(document, { metadata: document.metadata, outputs, whyNot }, context);
  if (pod.causes.length > 0) return { kind: "invalid", causes: pod.causes, needs };
  return { kind: "objects", needs, objects: [...pod.objects, ...serviceOf(document), ...headlessServiceOf(document), controllerOf(document, pod)] };
}

interface RenderedPod {
  readonly template: object;
  /** Something tells when it is ready; else it is as soon as it runs. */
  readonly probed: boolean;
  readonly objects: readonly KubeObject[];
  readonly causes: readonly ErrorCause[];
}

function renderPod(document: ScoreDocument, scope: Scope, context: RenderContext): RenderedPod {
  const { metadata, containers } = document;
  const causes: ErrorCause[] = [];
  const secrets: string[] = [];
  const objects: KubeObject[] = [];
  const fileVolumes: object[] = [];
  const mounted = new Map<string, object>();
  const ports = Object.values(document.service?.ports ?? {});
  const names = Object.keys(containers).sort();
  const first = names.filter((name) => Object.keys(containers[name]?.before ?? {}).length > 0);
  const main = names.filter((name) => !first.includes(name));

  const render = (name: string, role: Role): object => {
    const container = containers[name];
    if (container === undefined) return {};
    const field = below("containers", name);
    if (container.image === ".")
      causes.push(invalid(below(field, "image"), 'the image "." is given when the workload is deployed: tptctl deploy --image IMAGE'));
    const variables = environmentOf(container.variables ?? {}, below(field, "variables"), scope);
    const files = filesOf({ workload: metadata.name, container: name, files: container.files ?? {}, field: below(field, "files") }, scope);
    causes.push(...variables.causes, ...files.causes);
    secrets.push(...variables.secrets);
    objects.push(...files.objects);
    fileVolumes.push(...files.volumes);
    const mounts = [...files.mounts, ...volumeMounts(document, container, mounted)];
    const listens = role === "main" && name === main[0] && !hasReadiness(document) && metadata.annotations?.[defaultReadinessAnnotation] !== "off";
    return {
      name,
      image: container.image,
      ...(container.command === undefined ? {} : { command: container.command }),
      ...(container.args === undefined ? {} : { args: container.args }),
      ...(variables.entries.length === 0 ? {} : { env: variables.entries }),
      ...(mounts.length === 0 ? {} : { volumeMounts: mounts }),
      ...resourcesFor(container),
      ...(role === "init" ? {} : probesOf(container, role === "healthy")),
      ...(listens ? listeningProbe(ports) : {}),
      ...(role === "healthy" || role === "started" ? { restartPolicy: "Always" } : {}),
      ...(role === "main" && ports.length > 0 ? { lifecycle: { preStop: { sleep: { seconds: drainSeconds } } } } : {}),
    };
  };
  const init = inOrder(containers, first).map((name) => render(name, roleOf(containers[name])));
  const run = main.map((name) => render(name, "main"));
  const digest = {
    ...(objects.length === 0 ? {} : { [filesAnnotation]: context.digest(JSON.stringify(objects)) }),
    ...(secrets.length === 0 ? {} : { [secretsAnnotation]: context.digest(JSON.stringify(secrets)) }),
  };
  const annotations = { ...passedOn(metadata.annotations), ...digest };
  const volumes = [...fileVolumes, ...mounted.values()];
  return {
    objects,
    causes,
    probed: run.some((each) => "readinessProbe" in each),
    template: {
      metadata: { labels: labelsOf(metadata.name), ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
      spec: {
        ...(init.length === 0 ? {} : { initContainers: init }),
        containers: run,
        ...(volumes.length === 0 ? {} : { volumes }),
        // A workload that needs the cluster's API says so in manifests of its own; variables of every Service around only surprise.
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...(ports.length === 0 ? {} : { terminationGracePeriodSeconds: endSeconds }),
      },
    },
  };
}

/** How a container takes part in the start: `init` ends before others begin, `started` and `healthy` go on beside them. */
type Role = "init" | "started" | "healthy" | "main";

function roleOf(container: ScoreContainer | undefined): Role {
  const readies = Object.values(container?.before ?? {}).map(({ ready }) => ready);
  if (readies.includes("complete")) return "init";
  return readies.includes("healthy") ? "healthy" : "started";
}

function hasReadiness({ containers }: ScoreDocument): boolean {
  // One that ends before the others start is never asked whether it is ready.
  return Object.values(containers).some((container) => container.readinessProbe !== undefined && roleOf(container) !== "init");
}

function volumeMounts(document: ScoreDocument, container: ScoreContainer, mounted: Map<string, object>): object[] {
  const resources = resourcesOf(document);
  return Object.entries(container.volumes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([mountPath, { source, path, readOnly }]) => {
      const named = resources.find(({ name }) => source === `\${resources.${name}}`);
      if (named === undefined) return [];
      // Uses with one identity are one volume, which the first of them by name describes.
      const identity = identityText(identityOf(named, document.metadata.name));
      const owner =
        resources.find((each) => identityText(identityOf(each, document.metadata.name)) === identity && each.resource.params !== undefined) ?? named;
      const first = resources.find((each) => identityText(identityOf(each, document.metadata.name)) === identity) ?? named;
      const name = podVolumeName("volume", first.name);
      mounted.set(identity, { name, ...emptyDirOf(owner) });
      return [{ name, mountPath, ...(path === undefined ? {} : { subPath: path.replace(/^\/+/, "") }), ...(readOnly === undefined ? {} : { readOnly }) }];
    });
}

function resourcesFor({ resources }: ScoreContainer): object {
  const amounts = (given: { readonly cpu?: string | undefined; readonly memory?: string | undefined } | undefined): object | undefined => {
    if (given === undefined || (given.cpu === undefined && given.memory === undefined)) return undefined;
    return { ...(given.cpu === undefined ? {} : { cpu: given.cpu }), ...(given.memory === undefined ? {} : { memory: kubernetesBytes(given.memory) }) };
  };
  const [limits, requests] = [amounts(resources?.limits), amounts(resources?.requests)];
  if (limits === undefined && requests === undefined) return {};
  return { resources: { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) } };
}

function passedOn(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !ownPrefixes.some((prefix) => key.startsWith(prefix))));
}

function labelsOf(workload: string): Record<string, string> {
  return { "app.kubernetes.io/name": workload, "app.kubernetes.io/managed-by": "threeport", [workloadLabel]: workload };
}

function serviceOf(document: ScoreDocument): KubeObject[] {
  const { metadata, service } = document;
  const ports = Object.entries(service?.ports ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (ports.length === 0) return [];
  const spec = { selector: { [workloadLabel]: metadata.name }, ports: ports.map(([name, port]) => portOf(name, port)) };
  return [{ apiVersion: "v1", kind: "Service", metadata: { name: serviceNameOf(document) }, spec }];
}

/** Gives each pod of a StatefulSet a name of its own in DNS. */
function headlessServiceOf({ metadata }: ScoreDocument): KubeObject[] {
  if (metadata.annotations?.[kindAnnotation] !== "StatefulSet") return [];
  const spec = { clusterIP: "None", publishNotReadyAddresses: true, selector: { [workloadLabel]: metadata.name } };
  return [{ apiVersion: "v1", kind: "Service", metadata: { name: headlessName(metadata.name) }, spec }];
}

const headlessName = (workload: string): string => shortName(`${workload}-headless`);

function portOf(name: string, { port, targetPort, protocol }: ScoreServicePort): object {
  return { name, port, targetPort: targetPort ?? port, ...(protocol === undefined ? {} : { protocol }) };
}

/** Seconds that a pod without a probe must run before it counts: one that ends at once is not a moment of health. */
const steadySeconds = 3;

function controllerOf({ metadata }: ScoreDocument, { template, probed }: RenderedPod): KubeObject {
  const { name, annotations } = metadata;
  const selector = { matchLabels: { [workloadLabel]: name } };
  const object = (kind: string, spec: object): KubeObject => ({
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: { selector, ...(probed ? {} : { minReadySeconds: steadySeconds }), ...spec, template },
  });
  if (annotations?.[kindAnnotation] === "StatefulSet") return object("StatefulSet", { serviceName: headlessName(name) });
  // A new pod is there before an old one goes: no request is lost, and a bad release takes nothing away.
  return object("Deployment", { strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } } });
}
