// With whose rights an object is applied (design.md P3).
//   P3  An object of a confined set in its own namespace is applied as the deployer of that namespace, so the cluster itself holds it to
//       what the workload may. Everything else is refused here unless the environment allows it, and then has the runtime's own rights.
import { PlatformError, parseApiVersion, type KubeObject } from "@threeport/resource";
import type { Desired } from "../apply/desired.ts";
import type { ResourceSet } from "../kinds/resource-set.ts";
import { allowsKind, allowsNamespace, type Allow } from "./allow.ts";
import { deployerName, deployerUser } from "./deployer.ts";
import { baselineProblems, type PodSecurityProblem } from "./pod-security.ts";

/** Problems of one object that a refusal names. */
const problemsShown = 3;

/** Who applies an object: `user` is whom to act as, nobody for the runtime's own identity; or why nobody does. */
export interface Access {
  readonly user?: string;
  readonly refused?: PlatformError;
}

/** What of a set decides. */
export interface ConfinedSet {
  readonly spec: Pick<ResourceSet["spec"], "confine" | "targetNamespace" | "runtime">;
}

/** What the rules of the set say about one object, in words that name the field and the setting. */
export function accessOf({ spec }: ConfinedSet, desired: Pick<Desired, "object" | "namespaced">, impersonates: boolean): Access {
  const { confine, targetNamespace = "" } = spec;
  if (confine === undefined) return {};
  const { allow } = confine;
  const { object, namespaced } = desired;
  const { namespace } = object.metadata;
  const refused = (what: string, remedy: string, field: keyof Allow, value: string): Access => ({
    refused: notAllowed(`${what}. ${remedy}, or ${value} spec.allow.${field} of Environment ${confine.environment}`),
  });
  const addKind = `add ${kindText(object)} to`;

  const unsafe = allow?.podSecurity === "privileged" ? [] : baselineProblems(object);
  if (unsafe.length > 0) return refused(problemText(unsafe), "Remove it", "podSecurity", "write `privileged` into");
  if (namespace !== undefined && namespace !== targetNamespace && !allowsNamespace(allow, namespace))
    return refused(
      `metadata.namespace: ${namespace} is not the workload's own namespace, which is ${targetNamespace}`,
      "Leave the field out",
      "namespaces",
      `add ${namespace} to`,
    );
  if (allowsKind(allow, object)) return {};
  if (namespaced === false) return refused(`kind: ${object.kind} concerns the whole cluster`, "Leave it out", "kinds", addKind);
  if (namespace !== targetNamespace) return {};
  if (impersonates) return { user: deployerUser(targetNamespace) };
  // Only an API server that knows who applies can tell whether a role grants more than its author has.
  if (parseApiVersion(object.apiVersion).group === "rbac.authorization.k8s.io")
    return refused(
      `kind: ${object.kind} may grant more than the workload has, which nobody checks while impersonation is off for runtime ${spec.runtime}`,
      "Leave it out",
      "kinds",
      addKind,
    );
  return {};
}

function problemText(problems: readonly PodSecurityProblem[]): string {
  const more = problems.length > problemsShown ? `; and ${problems.length - problemsShown} more` : "";
  return `${problems
    .slice(0, problemsShown)
    .map(({ field, problem }) => `${field} ${problem}`)
    .join("; ")}${more}`;
}

/** The same as the cluster said it, when it was the deployer whom it refused; undefined when the refusal is about something else. */
export function explainDeployerRefusal(set: ResourceSet, object: KubeObject, error: PlatformError): PlatformError | undefined {
  const { confine, targetNamespace = "", runtime } = set.spec;
  if (confine === undefined || error.code !== "TP_FORBIDDEN") return undefined;
  const setting = `${kindText(object)} to spec.allow.kinds of Environment ${confine.environment}`;
  // Since 1.36 the API server names the finer right that it looked for first, impersonate-on:serviceaccount:patch.
  const actor = /[Uu]ser "([^"]+)" cannot impersonate\S* resource/.exec(error.message)?.[1];
  if (actor !== undefined)
    return notAllowed(
      `the kubeconfig of runtime ${runtime} belongs to ${actor.slice(0, 200)}, who may not act as service accounts. Grant it the verb impersonate on serviceaccounts by a ClusterRole, or set spec.impersonation of KubernetesRuntimeInstance ${runtime} to Off`,
    );
  if (!error.message.includes(deployerUser(targetNamespace))) return undefined;
  if (error.message.includes("attempting to grant RBAC permissions not currently held"))
    return notAllowed(`it grants rights that workloads do not have themselves in namespace ${targetNamespace}. Grant less, or add ${setting}`);
  const denied = /cannot (\S+) resource "([^"]+)" in API group "([^"]*)"/.exec(error.message);
  if (denied === null) return undefined;
  const [, verb = "", resource = "", group = ""] = denied;
  return notAllowed(
    `workloads may not ${verb} ${group === "" ? resource : `${resource}.${group}`} in namespace ${targetNamespace} (service account ${deployerName}, role admin). Add ${setting}, or let a ClusterRole with the label rbac.authorization.k8s.io/aggregate-to-admin: "true" grant it in the cluster`,
  );
}

function kindText(object: KubeObject): string {
  return `{group: "${parseApiVersion(object.apiVersion).group}", kind: ${object.kind}}`;
}

function notAllowed(message: string): PlatformError {
  return new PlatformError("TP_NOT_ALLOWED", { message });
}
