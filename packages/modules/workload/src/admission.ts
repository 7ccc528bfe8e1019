// What is refused when it is written, so that its author hears of it at once: what an environment does not allow, and what it has no room for. Reconcilers
// hold the same rules: an environment may change, and two may ask at the same time.
import { environmentKind, foreignProject, isEnding, type Environment, targetNamespaceOf } from "@threeport/module-environment";
import { refusedDocuments } from "@threeport/cluster";
import type { ReconcileContext } from "@threeport/engine";
import type { WriterRights } from "@threeport/module-dependency";
import type { Helm } from "@threeport/module-helm";
import { deepEqual, PlatformError, type KubeObject } from "@threeport/resource";
import { copiesOf } from "./clone/copies-of.ts";
import { instancesIn } from "./clone/copy-deployments.ts";
import { desiredObjects, type Desired, type DesiredPlace } from "./desired-objects.ts";
import { holdSecrets } from "./hold-secrets.ts";
import { releaseKind, workloadDefinitionKind, workloadInstanceKind, type Release, type WorkloadDefinition, type WorkloadInstance } from "./kinds/index.ts";
import { lackOf, shareOf } from "./quota/quota.ts";
import { nothing, requestsOf } from "./quota/requests.ts";
import { objectionToNeeds } from "./quota/take-dependencies.ts";
import { othersIn } from "./quota/take-room.ts";
import { pinnedSource, releaseSource, sourceOf, type Source } from "./source.ts";

export interface AdmissionContext extends Pick<ReconcileContext, "objects" | "blobs"> {
  readonly digest: (content: string) => string;
  readonly helm: Helm;
}

/** How long a write waits for a chart to be had and rendered. */
const chartPatienceMs = 10_000;

/** Throws when `object` may not be written; `old` is what it replaces. */
type Rule = (object: KubeObject, old: KubeObject | undefined, rights: WriterRights) => Promise<void>;

/** By the resource whose writes they are asked of. */
export function workloadAdmission(context: AdmissionContext): ReadonlyMap<string, Rule> {
  return new Map<string, Rule>([
    [
      workloadInstanceKind.resource,
      (object, old, rights) => holdInstance(object as WorkloadInstance, old as WorkloadInstance | undefined, { ...context, rights }),
    ],
    [
      workloadDefinitionKind.resource,
      (object, old, rights) => holdDefinition(object as WorkloadDefinition, old as WorkloadDefinition | undefined, { ...context, rights }),
    ],
    [environmentKind.resource, (object, old, rights) => (old === undefined ? holdClone(object as Environment, { ...context, rights }) : Promise.resolve())],
  ]);
}

type HeldContext = AdmissionContext & { readonly rights: WriterRights };

/** Who clones an environment deploys again what is there, and must be allowed to read the Secrets that it reads. */
async function holdClone({ metadata, spec }: Environment, context: HeldContext): Promise<void> {
  const { cloneOf, project } = spec;
  if (cloneOf === undefined || project === undefined) return;
  const copies = copiesOf(await instancesIn(cloneOf.environment, context.objects), { project, from: cloneOf.environment, to: metadata.name });
  for (const copy of copies) {
    const source = await sourceFor(copy, context);
    if (source !== undefined) holdSecrets({ source, namespace: project, values: copy.spec.values }, context.rights);
  }
}

/** A new deployment where nothing new is taken, or nothing of its project. */
async function holdPlace({ metadata, spec }: WorkloadInstance, context: HeldContext): Promise<void> {
  const { apiVersion, kind } = environmentKind;
  const environment = await context.objects.get<Environment>({ apiVersion, kind, name: spec.environment });
  if (environment === undefined) return;
  const foreign = foreignProject(environment, metadata.namespace ?? "");
  if (foreign !== undefined) throw new PlatformError("TP_NOT_ALLOWED", { message: foreign });
  if (isEnding(environment))
    throw new PlatformError("TP_NOT_ALLOWED", {
      message: `environment ${spec.environment} is ending, and takes no new deployments; tptctl env extend ${spec.environment} --ttl 4h keeps it`,
    });
}

async function holdInstance(instance: WorkloadInstance, old: WorkloadInstance | undefined, context: HeldContext): Promise<void> {
  if (old === undefined) await holdPlace(instance, context);
  const source = await sourceFor(instance, context);
  if (source === undefined) return;
  // What runs already may be paused or restarted, even though the environment would not take it today.
  const sameObjects = old !== undefined && old.spec.release === instance.spec.release && deepEqual(old.spec.values, instance.spec.values);
  const { namespace = "" } = instance.metadata;
  if (!sameObjects) holdSecrets({ source, namespace, values: instance.spec.values }, context.rights);
  const found = await objectionsTo(instance, source, context);
  refuse(found === undefined || !sameObjects ? found : { ...found, notAllowed: [] }, "");
}

/** Every instance that follows the definition gets what is written now. */
async function holdDefinition(definition: WorkloadDefinition, old: WorkloadDefinition | undefined, context: HeldContext): Promise<void> {
  if (old !== undefined && deepEqual(old.spec.source, definition.spec.source)) return;
  const { apiVersion, kind, metadata } = definition;
  const instances = await context.objects.list<WorkloadInstance>(workloadInstanceKind, {
    refersTo: { apiVersion, kind, namespace: metadata.namespace ?? "", name: metadata.name },
  });
  const source = sourceOf(definition.spec.source);
  const { namespace = "" } = metadata;
  holdSecrets({ source, namespace }, context.rights);
  for (const instance of instances) {
    const follows = instance.spec.definition === metadata.name && instance.spec.release === "latest" && instance.metadata.deletionTimestamp === undefined;
    if (!follows) continue;
    if (instance.spec.values !== undefined) holdSecrets({ source, namespace, values: instance.spec.values }, context.rights);
    refuse(await objectionsTo(instance, source, context), `deployment ${instance.metadata.name}: `);
  }
}

/** What the instance would run; undefined while something that it names is not there, which its status tells. */
async function sourceFor(instance: WorkloadInstance, context: AdmissionContext): Promise<Source | undefined> {
  const { namespace = "" } = instance.metadata;
  const { definition, release } = instance.spec;
  if (release !== "latest") {
    const pinned = await context.objects.get<Release>({ apiVersion: releaseKind.apiVersion, kind: releaseKind.kind, namespace, name: release });
    return pinned === undefined || pinned.spec.definition !== definition ? undefined : releaseSource(pinned, context);
  }
  const { apiVersion, kind } = workloadDefinitionKind;
  const found = await context.objects.get<WorkloadDefinition>({ apiVersion, kind, namespace, name: definition });
  return found === undefined ? undefined : sourceOf(found.spec.source);
}

interface Objections {
  readonly environment: Environment;
  /** In words, as the others. */
  readonly notAllowed: readonly string[];
  readonly noRoom: string | undefined;
}

async function objectionsTo(instance: WorkloadInstance, source: Source, context: AdmissionContext): Promise<Objections | undefined> {
  const { apiVersion, kind } = environmentKind;
  const environment = await context.objects.get<Environment>({ apiVersion, kind, name: instance.spec.environment });
  if (environment === undefined) return undefined;
  const targetNamespace = instance.spec.targetNamespace ?? targetNamespaceOf(instance.metadata.namespace ?? "", environment.metadata.name);
  const pullSecret = (environment.spec.registries ?? []).length > 0;
  const desired = await objectsNow(source, { instance, environment, targetNamespace, pullSecret }, context);
  if (desired === undefined) return undefined;
  const { result, claimed } = desired;
  const need = await objectionToNeeds(instance, { environment, needs: claimed?.needs ?? [] }, context);
  if (need !== undefined)
    return need.reason === "QuotaExceeded"
      ? { environment, notAllowed: [], noRoom: need.message }
      : { environment, notAllowed: [need.message], noRoom: undefined };
  if ("verdict" in result) return undefined; // its status tells
  const { allow, quota } = environment.spec;
  const confine = { environment: environment.metadata.name, ...(allow === undefined ? {} : { allow }) };
  const refused = refusedDocuments(result.objects, { targetNamespace, confine });
  const notAllowed = refused.map(({ object, message }) => `${object.kind} ${object.metadata.name}: ${message}`);
  if (quota === undefined) return { environment, notAllowed, noRoom: undefined };
  const others = (await othersIn(environment, instance, context)).map((other) => shareOf(other) ?? unknownShare(other));
  return { environment, notAllowed, noRoom: lackOf(environment, { instance, pods: requestsOf(result.objects), others }) };
}

/** Undefined while a chart cannot be had: whoever writes need not wait for that, and its status tells. */
async function objectsNow(
  source: Source,
  place: Pick<DesiredPlace, "instance" | "environment" | "targetNamespace" | "pullSecret">,
  { objects, digest, helm }: AdmissionContext,
): Promise<Desired | undefined> {
  const signal = AbortSignal.timeout(chartPatienceMs);
  try {
    return await desiredObjects(await pinnedSource(source, helm, signal), { ...place, digest, helm, signal }, { objects });
  } catch (error) {
    if (source.kind === "helm" && (error instanceof PlatformError || signal.aborted)) return undefined;
    throw error;
  }
}

/** One that has not been looked at yet counts as a workload; what it asks for is not known. */
function unknownShare({ metadata }: WorkloadInstance) {
  return { namespace: metadata.namespace ?? "", cpu: nothing, memory: nothing };
}

/** Refused documents that are told at once. */
const toldMax = 5;

function told(messages: readonly string[]): string {
  return `${messages.slice(0, toldMax).join("; ")}${messages.length > toldMax ? `; and ${messages.length - toldMax} more` : ""}`;
}

function refuse(found: Objections | undefined, prefix: string): void {
  if (found === undefined) return;
  const { environment, notAllowed, noRoom } = found;
  if (notAllowed.length > 0)
    throw new PlatformError("TP_NOT_ALLOWED", { message: `${prefix}Environment ${environment.metadata.name} does not allow this: ${told(notAllowed)}` });
  if (noRoom !== undefined) throw new PlatformError("TP_QUOTA_EXCEEDED", { message: `exceeded quota: ${prefix}${noRoom}` });
}
