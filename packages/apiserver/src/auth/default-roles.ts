import type { Kind, KubeObject } from "@threeport/resource";
import type { Offered } from "../http/subresource.ts";
import { rbacGroup, type RoleObject, type Subject } from "../kinds/rbac.ts";
import { mastersGroup } from "./policy.ts";
import type { PolicyRule } from "./rules.ts";
import { authenticatedGroup } from "./users.ts";

/** A user may take these back from being kept: `false` leaves a role or binding as it is. */
export const autoUpdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";

const apiVersion = `${rbacGroup}/v1`;
const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];
const aggregateTo = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`;

/**
 * The roles and bindings that every control plane has, by the names that users of Kubernetes expect. What view, edit and
 * admin cover follows from the kinds and `subresources` (by `<plural.group>/<subresource>`) that are served: `view` leaves out those whose objects may hold secret values.
 */
export function defaultRoles(kinds: readonly Kind[], subresources: ReadonlyMap<string, Pick<Offered, "answers">>): KubeObject[] {
  const stored = kinds.filter((kind) => !kind.computed && kind.custom === undefined && kind.group !== rbacGroup);
  const namespaced = stored.filter((kind) => kind.namespaced);
  const computed = kinds.filter((kind) => kind.computed && kind.namespaced && !kind.group.endsWith(".k8s.io"));
  const cluster = stored.filter((kind) => !kind.namespaced && kind.group !== "" && !kind.group.endsWith(".k8s.io"));
  const cloneable = cluster.filter((kind) => kind.cloneable);
  // The values of Secrets among documents are split off: what is left may be read like a Deployment.
  const hidden = (kind: Kind): boolean => kind.sensitive && kind.documents.length === 0;
  const readable = namespaced.filter((kind) => !hidden(kind));
  const parts = (kind: Kind, streams: boolean) =>
    [...subresources]
      .filter(([entry, { answers }]) => entry.startsWith(`${kind.resource}/`) && (answers === "stream") === streams)
      .map(([entry]) => `${kind.plural}${entry.slice(kind.resource.length)}`);
  const below = (kind: Kind) => parts(kind, false);
  // What people say: the object, and its size by itself. Status is what controllers say.
  const itself = (kind: Kind) => [kind.plural, ...(kind.scale === undefined ? [] : [`${kind.plural}/scale`])];
  const everything = (kind: Kind) => [...itself(kind), ...(kind.hasStatus ? [`${kind.plural}/status`] : []), ...below(kind)];
  return [
    role("cluster-admin", [
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
      { nonResourceURLs: ["*"], verbs: ["*"] },
    ]),
    aggregate("admin", {}, ["admin"]),
    aggregate("edit", { [aggregateTo("admin")]: "true" }, ["edit"]),
    aggregate("view", { [aggregateTo("edit")]: "true" }, ["view"]),
    role("system:aggregate-to-view", [...byGroup(readable, everything, read), { apiGroups: [""], resources: ["namespaces"], verbs: read }], {
      [aggregateTo("view")]: "true",
    }),
    role(
      "system:aggregate-to-edit",
      [
        ...byGroup(namespaced.filter(hidden), everything, read),
        ...byGroup(
          namespaced.filter((kind) => !kind.forOperations),
          itself,
          write,
        ),
        ...byGroup(computed, itself, ["create"]),
        // A stream runs something: whoever may change the workload may do that too.
        ...byGroup(
          namespaced.filter((kind) => parts(kind, true).length > 0),
          (kind) => parts(kind, true),
          ["create"],
        ),
        { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] },
        { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
      ],
      { [aggregateTo("edit")]: "true" },
    ),
    role(
      "system:aggregate-to-admin",
      [
        { apiGroups: [rbacGroup], resources: ["roles", "rolebindings"], verbs: [...read, ...write] },
        { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
      ],
      { [aggregateTo("admin")]: "true" },
    ),
    role("threeport:environment-user", byGroup(cluster, itself, [...read, "use"])),
    // Of what can be cloned, `create` alone makes nothing but clones: admission holds it to that.
    role("threeport:environment-cloner", byGroup(cloneable, itself, [...read, "use", "create", "clone"])),
    role("threeport:operator", [
      ...byGroup(cloneable, itself, ["clone"]),
      ...byGroup(cluster, everything, [...read, ...write, "use"]),
      ...byGroup(
        namespaced.filter((kind) => kind.forOperations),
        everything,
        [...read, ...write],
      ),
    ]),
    role("system:discovery", [
      {
        nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"],
        verbs: ["get"],
      },
    ]),
    role("system:public-info-viewer", [{ nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] }]),
    role("system:basic-user", [
      { apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], verbs: ["create"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
    ]),
    role("system:monitoring", [{ nonResourceURLs: ["/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/readyz", "/readyz/*"], verbs: ["get"] }]),
    role("system:auth-delegator", [
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    ]),
    role("system:service-account-issuer-discovery", [{ nonResourceURLs: ["/.well-known/openid-configuration", "/openid/v1/jwks"], verbs: ["get"] }]),
    binding("cluster-admin", "cluster-admin", group(mastersGroup)),
    binding("system:discovery", "system:discovery", group(authenticatedGroup)),
    binding("system:basic-user", "system:basic-user", group(authenticatedGroup)),
    binding("system:public-info-viewer", "system:public-info-viewer", group(authenticatedGroup)),
    binding("system:monitoring", "system:monitoring", group("system:monitoring")),
    binding("system:service-account-issuer-discovery", "system:service-account-issuer-discovery", group("system:serviceaccounts")),
  ];
}

function metadata(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject["metadata"] {
  return { name, labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels }, annotations: { [autoUpdateAnnotation]: "true" } };
}

function role(name: string, rules: readonly PolicyRule[], labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { apiVersion, kind: "ClusterRole", metadata: metadata(name, labels), rules };
}

/** Its rules are those of the roles that say so by a label, which is how others add theirs. */
function aggregate(name: string, labels: Readonly<Record<string, string>>, of: readonly string[]): RoleObject {
  const clusterRoleSelectors = of.map((other) => ({ matchLabels: { [aggregateTo(other)]: "true" } }));
  return { apiVersion, kind: "ClusterRole", metadata: metadata(name, labels), aggregationRule: { clusterRoleSelectors }, rules: [] };
}

function group(name: string): Subject {
  return { kind: "Group", apiGroup: rbacGroup, name };
}

function binding(name: string, roleName: string, subject: Subject): KubeObject {
  return {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: metadata(name),
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: roleName },
    subjects: [subject],
  };
}

/** One rule for each API group. */
function byGroup(kinds: readonly Kind[], resourcesOf: (kind: Kind) => readonly string[], verbs: readonly string[]): PolicyRule[] {
  const groups = [...new Set(kinds.map((kind) => kind.group))].sort();
  return groups.map((name) => ({
    apiGroups: [name],
    resources: kinds
      .filter((kind) => kind.group === name)
      .flatMap(resourcesOf)
      .sort(),
    verbs,
  }));
}
