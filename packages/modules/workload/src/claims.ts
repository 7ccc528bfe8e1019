// The needs of a Score workload as DependencyClaims, and what is provided for them. Dependencies themselves are another domain: it is met through its claims.
import { isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { deploymentAnnotation, deploymentId, dependencyClaimKind, readOutputs, waitingFor, type DependencyClaim } from "@threeport/module-dependency";
import { ownerReference, shortened } from "@threeport/module-environment";
import { deepEqual, type KubeObject } from "@threeport/resource";
import type { Need, Provision } from "@threeport/score";
import type { WorkloadInstance } from "./kinds/index.ts";

const claimTarget = (instance: WorkloadInstance, resource: string) => ({
  apiVersion: dependencyClaimKind.apiVersion,
  kind: dependencyClaimKind.kind,
  namespace: instance.metadata.namespace ?? "",
  name: claimName(instance, resource),
});

export function claimName(instance: WorkloadInstance, resource: string): string {
  return `${instance.metadata.name}.${resource}`;
}

/** The Secret in the cluster from which the containers of a workload read the outputs of one of its resources. */
const outputsName = (workload: string, resource: string): string => `${workload}-resource-${resource}`;

/** Of another type, class or id: another dependency. */
function isOther({ spec }: DependencyClaim, need: Need): boolean {
  return spec.type !== need.type || spec.class !== need.class || spec.id !== idOf(need);
}

/** What ids of dependencies have room for. */
const idMax = 63;

/** Two long names joined may be too long together. */
function idOf({ id }: Pick<Need, "id">): string {
  return shortened(id, idMax);
}

/** The claim of an instance for a need as it is now. */
export async function claimFor(need: Need, instance: WorkloadInstance, context: Pick<ReconcileContext, "objects">): Promise<DependencyClaim | undefined> {
  const claim = await context.objects.get<DependencyClaim>(claimTarget(instance, need.name));
  const fits = claim !== undefined && claim.metadata.deletionTimestamp === undefined && !isOther(claim, need) && deepEqual(claim.spec.params, need.params);
  return fits ? claim : undefined;
}

/** With a provision, the containers need not wait; with a verdict, the workload is not ready before its claim is. */
interface Provided {
  readonly provision?: Provision;
  readonly verdict?: Verdict;
}

/** What is provided for a need; and what to tell while it is not ready. */
async function provisionOf(
  need: Need,
  { instance, workload }: { readonly instance: WorkloadInstance; readonly workload: string },
  context: Pick<ReconcileContext, "objects">,
): Promise<Provided> {
  const claim = await claimFor(need, instance, context);
  if (claim === undefined)
    return { verdict: { state: "reconciling", reason: "WaitingForDependency", message: `waits for ${need.type} ${need.name}, which is being claimed` } };
  const verdict = isReadyNow(claim) ? undefined : waitingFor(claim);
  if (verdict !== undefined && claim.status?.outputs?.withWorkload !== true) return { verdict };
  const { values, secret } = await readOutputs(claim, context);
  const provision = { values, ...(Object.keys(secret).length === 0 ? {} : { secret: { name: outputsName(workload, need.name), values: secret } }) };
  return { provision, ...(verdict === undefined ? {} : { verdict }) };
}

/** Renders with what is provided, again while that makes more known: params of one resource may read another. */
export async function withProvisions<Rendered extends { readonly needs: readonly Need[] }>(
  render: () => Rendered,
  provisions: Map<string, Provision>,
  place: { readonly instance: WorkloadInstance; readonly workload: string },
  context: Pick<ReconcileContext, "objects">,
): Promise<{ readonly rendered: Rendered; readonly lacking: Verdict | undefined }> {
  const asked = new Set<string>();
  let lacking: Verdict | undefined;
  for (;;) {
    const rendered = render();
    const next = rendered.needs.filter(({ name }) => !asked.has(name));
    if (next.length === 0) return { rendered, lacking };
    for (const need of next) {
      asked.add(need.name);
      const { provision, verdict } = await provisionOf(need, place, context);
      if (provision !== undefined) provisions.set(need.name, provision);
      // What has failed is told before what is only under way.
      if (verdict !== undefined && (lacking === undefined || (lacking.state !== "stalled" && verdict.state === "stalled"))) lacking = verdict;
    }
  }
}

/** The Secrets that rendered objects read, with their values. */
export function outputSecrets(objects: readonly KubeObject[], provisions: Iterable<Provision>): KubeObject[] {
  const text = JSON.stringify(objects);
  return [...provisions].flatMap(({ secret }) =>
    secret === undefined || !text.includes(JSON.stringify(secret.name))
      ? []
      : [{ apiVersion: "v1", kind: "Secret", metadata: { name: secret.name }, stringData: { ...secret.values } }],
  );
}

export interface Claimed {
  readonly needs: readonly Need[];
  /** Resources that are needed and whose params are not known yet: their claims stay as they are. */
  readonly blocked: readonly string[];
}

/** Makes, changes and removes claims until they are what is needed. Their names, which the status refers to. */
export async function keepClaims(
  instance: WorkloadInstance,
  { needs, blocked }: Claimed,
  place: { readonly targetNamespace: string; readonly release: string },
  context: ReconcileContext,
): Promise<string[]> {
  const { apiVersion, kind, metadata, spec } = instance;
  const { namespace = "", name } = metadata;
  const there = await context.objects.list<DependencyClaim>(dependencyClaimKind, { refersTo: { apiVersion, kind, namespace, name } });
  const wanted = new Set([...needs.map((need) => need.name), ...blocked]);
  const leaving = new Set<string>();
  for (const claim of there) {
    const { resource } = claim.spec;
    const need = needs.find((each) => each.name === resource);
    // Another type or id is another claim: made when the old one is gone, which wakes the instance.
    const other = need !== undefined && isOther(claim, need);
    if (other || claim.metadata.deletionTimestamp !== undefined) leaving.add(resource);
    if (other || !wanted.has(resource)) await context.objects.delete({ ...claimTarget(instance, resource), name: claim.metadata.name });
  }
  for (const { name: resource, type, class: sort, id, params, workload } of needs) {
    if (leaving.has(resource)) continue;
    await context.objects.apply({
      apiVersion: dependencyClaimKind.apiVersion,
      kind: dependencyClaimKind.kind,
      metadata: {
        name: claimName(instance, resource),
        namespace,
        annotations: { [deploymentAnnotation]: deploymentId(place.release, spec.restartedAt, JSON.stringify(spec.values)) },
        ownerReferences: [ownerReference(instance, true)],
      },
      spec: {
        environment: spec.environment,
        targetNamespace: place.targetNamespace,
        workload: name,
        resource,
        type,
        class: sort,
        id: idOf({ id }),
        sourceWorkload: workload,
        ...(params === undefined ? {} : { params }),
      },
    } as KubeObject);
  }
  return [...wanted].map((resource) => claimName(instance, resource)).toSorted();
}

/** In ids of resources without one: another deployment of the workload in the same environment has dependencies of its own. */
export function identityOfInstance(instance: WorkloadInstance): string {
  return instance.spec.targetNamespace === undefined ? instance.spec.definition : instance.metadata.name;
}
