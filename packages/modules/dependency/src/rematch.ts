// A Dependency that is asked to be met by another profile: what the present one made goes first, then it is bound anew (§5.6).
import type { ReconcileContext } from "@threeport/engine";
import { removeOwnSet, type Environment } from "@threeport/module-environment";
import { supportInstanceName } from "@threeport/module-support";
import { generatedSecretName } from "./generated.ts";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyFinalizer, type Dependency } from "./kinds/dependency.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import { matchPlaceOf, matchProfile, type Candidate } from "./match.ts";
import { setNameOf } from "./provision.ts";
import type { Judged } from "./reconcile-dependency.ts";

export interface Moved {
  readonly dependency: Dependency;
  /** Set when it was bound anew. */
  readonly profile?: DependencyProfile;
}

/**
 * Brings a dependency to the profile that its spec asks for; as it is when it asks for none. Each run removes what is still there of the present profile, and the
 * request goes with the write that binds the other one: an end anywhere in between goes on where it was.
 */
export async function rematch(dependency: Dependency, environment: Environment, context: ReconcileContext): Promise<Moved | Judged> {
  const { rematchTo, profile } = dependency.spec;
  if (rematchTo === undefined) return { dependency };
  const { apiVersion, kind } = dependencyProfileKind;
  const wanted = await context.objects.get<DependencyProfile>({ apiVersion, kind, name: rematchTo });
  const { type, class: sort } = dependency.spec;
  if (wanted === undefined || wanted.spec.type !== type || wanted.spec.class !== sort)
    return impossible(wanted === undefined ? `there is no DependencyProfile ${rematchTo}` : `DependencyProfile ${rematchTo} is for ${wanted.spec.type}`);
  if (profile !== undefined && profile !== rematchTo) {
    const left = await removeOwnSet(dependency, { namespace: dependency.metadata.namespace ?? "", name: setNameOf(dependency.metadata.name) }, context.objects);
    if (left !== undefined) return { verdict: { ...left, reason: "Rematching", message: `before ${rematchTo} meets it: ${left.message}` } };
    await removeClaims(dependency, wanted, context);
    await context.objects.delete({
      apiVersion: "v1",
      kind: "Secret",
      namespace: dependency.metadata.namespace ?? "",
      name: generatedSecretName(dependency.metadata.name),
    });
  }
  return bindAnew(dependency, { wanted, environment }, context);
}

function impossible(why: string): Judged {
  const message = `it cannot be met anew: ${why}; tptctl dependency rematch asks for another one. Until then it stays as it is`;
  return { verdict: { state: "stalled", reason: "RematchImpossible", message } };
}

/** What the other profile requires alike is kept: between two claims it could end. */
async function removeClaims(dependency: Dependency, { spec: { requires = {} } }: DependencyProfile, { objects }: ReconcileContext): Promise<void> {
  const { namespace = "", name: own } = dependency.metadata;
  for (const name of dependency.status?.required ?? []) {
    const target = { apiVersion: dependencyClaimKind.apiVersion, kind: dependencyClaimKind.kind, namespace, name };
    const claim = await objects.get<DependencyClaim>(target);
    if (claim === undefined || claim.spec.requiredBy !== own) continue;
    const again = requires[claim.spec.resource];
    const alike = again !== undefined && again.type === claim.spec.type && again.class === claim.spec.class && again.id === claim.spec.id;
    if (!alike) await objects.delete(target, { uid: claim.metadata.uid ?? "" });
  }
}

/** First why, then the binding: an end in between tells it again, and one after it never would. */
async function bindAnew(
  dependency: Dependency,
  { wanted, environment }: { readonly wanted: DependencyProfile; readonly environment: Environment },
  context: ReconcileContext,
): Promise<Moved> {
  const { rematchTo: _, rotations: __, updateTo: ___, ...spec } = dependency.spec;
  const { name } = wanted.metadata;
  const runtime = spec.runtime ?? environment.spec.runtime;
  const place = await matchPlaceOf({ environment, runtime }, context.objects);
  const { candidates } = matchProfile(await context.objects.list<DependencyProfile>(dependencyProfileKind), spec, place);
  // What the other profile gives and has is not known yet; nobody reads of it before it is ready.
  const {
    outputs: _o,
    resourceSet: _s,
    required: _r,
    sourceSecret: _f,
    services = [],
    update: _u,
    taken: _t,
    ...status
  } = dependency.status ?? { conditions: [] };
  // A service that the other one needs too is not let go in between.
  const needed = new Set(Object.keys(wanted.spec.services ?? {}).map((service) => supportInstanceName(service, runtime)));
  const kept = services.filter(({ instance }) => needed.has(instance));
  const told = await context.objects.patchStatus<Dependency>({
    ...dependency,
    status: { ...status, ...(kept.length === 0 ? {} : { services: kept }), candidates: candidates.map((candidate) => askedFor(candidate, name)) },
  });
  const finalizers = [...(told.metadata.finalizers ?? []).filter((each) => each !== dependencyFinalizer), dependencyFinalizer];
  const draft = { ...told, metadata: { ...told.metadata, finalizers }, spec: { ...spec, profile: name, runtime } };
  const bound = (await context.objects.commit<Dependency>(told, draft)) ?? told;
  await context.event(bound, { type: "Normal", reason: "Rematched", message: `met by profile ${name} from now on, and no more by ${spec.profile ?? "none"}` });
  return { dependency: bound, profile: wanted };
}

/** Who asks for a profile by its name may mean one that is not the best. */
function askedFor(candidate: Candidate, name: string): Candidate {
  const chosen = candidate.profile === name;
  return { ...candidate, chosen, reason: chosen === candidate.chosen ? candidate.reason : chosen ? "was asked for" : `${name} was asked for` };
}
