// The status of a WorkloadInstance: one verdict, and what is known beside it.
import type { ResourceSet } from "@threeport/cluster";
import { conditionsOf, findCondition, recheck, waiting, type Outcome, type ReconcileContext, type Verdict } from "@threeport/engine";
import type { WorkloadInstance } from "./kinds/index.ts";
import type { Requests } from "./quota/requests.ts";
import { requestsText } from "./quota/take-room.ts";

/** Somebody wants it so: no deadline runs while it holds. */
export const pausedReason = "Paused";

const recheckMs = 3_600_000;
const waitRecheckMs = 30_000;

/** What a run found out. What it does not say stays as it was told last. */
export interface Told {
  readonly verdict: Verdict;
  readonly release?: { readonly metadata: { readonly name: string } };
  readonly targetNamespace?: string;
  readonly set?: ResourceSet;
  readonly replicas?: number | undefined;
  readonly uses?: readonly string[];
  /** Names of its DependencyClaims. */
  readonly claims?: readonly string[] | undefined;
  /** What its pods ask for, once there is room for it. */
  readonly requests?: Requests;
}

/**
 * Q7: what is still under way past the deadline counts as stalled, and stays so until it is ready or something new is
 * asked for. The set judges its own objects by the same deadline; this one covers everything before and around it.
 */
function withDeadline(instance: WorkloadInstance, verdict: Verdict, release: string | undefined, nowMs: number): Verdict {
  if (verdict.state !== "reconciling" || verdict.reason === pausedReason) return verdict;
  const same = instance.status?.observedGeneration === instance.metadata.generation && instance.status?.release === release;
  const stalled = findCondition(instance, "Stalled");
  const under = findCondition(instance, "Reconciling");
  const deadlineMs = instance.spec.progressDeadlineSeconds * 1000;
  const overdue =
    same &&
    ((stalled?.status === "True" && stalled.reason === "ProgressDeadlineExceeded") ||
      (under?.status === "True" && nowMs - Date.parse(under.lastTransitionTime) > deadlineMs));
  return overdue
    ? { state: "stalled", reason: "ProgressDeadlineExceeded", message: `not ready after ${instance.spec.progressDeadlineSeconds} s: ${verdict.message}` }
    : verdict;
}

/** Writes the verdict where people look, and tells when to look again. */
export async function report(instance: WorkloadInstance, context: ReconcileContext, given: Told): Promise<Outcome> {
  // While something that the instance names is missing, what was applied before is still there, and still used.
  const last = instance.status ?? {};
  const release = given.release?.metadata.name ?? last.release;
  const targetNamespace = given.targetNamespace ?? last.targetNamespace;
  const resourceSet = given.set?.metadata.name ?? last.resourceSet;
  const replicas = given.set === undefined ? last.replicas : given.replicas;
  const uses = given.uses ?? last.uses ?? [];
  const claims = given.claims ?? last.claims ?? [];
  const requests = given.requests === undefined ? last.requests : requestsText(given.requests);
  const input = { ...given, verdict: withDeadline(instance, given.verdict, release, context.clock.now()) };
  const counts = input.set?.status?.counts;
  const worst = input.set?.status?.worst;
  const before = { reason: findCondition(instance, "Ready")?.reason, state: stateOf(instance) };
  await context.objects.patchStatus<WorkloadInstance>({
    ...instance,
    status: {
      observedGeneration: instance.metadata.generation ?? 0,
      conditions: conditionsOf(instance, input.verdict, context.clock),
      ...(release === undefined ? {} : { release }),
      ...(targetNamespace === undefined ? {} : { targetNamespace }),
      ...(uses.length === 0 ? {} : { uses: [...uses] }),
      ...(claims.length === 0 ? {} : { claims: [...claims] }),
      ...(resourceSet === undefined ? {} : { resourceSet }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(requests === undefined ? {} : { requests }),
      ...(counts === undefined ? {} : { objects: `${counts.healthy}/${counts.total}` }),
      ...(worst === undefined || worst.length === 0 || input.verdict.state === "ready" ? {} : { worst }),
    },
  });
  if (input.verdict.state !== "reconciling" && (before.reason !== input.verdict.reason || before.state !== input.verdict.state)) {
    await context.event(instance, {
      type: input.verdict.state === "ready" ? "Normal" : "Warning",
      reason: input.verdict.reason,
      message: input.verdict.message,
    });
  }
  return input.verdict.state === "ready" ? recheck(recheckMs) : waiting(input.verdict.message, waitRecheckMs);
}

function stateOf(instance: WorkloadInstance): Verdict["state"] {
  if (findCondition(instance, "Ready")?.status === "True") return "ready";
  return findCondition(instance, "Stalled")?.status === "True" ? "stalled" : "reconciling";
}
