import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { expect, test, vi } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { openTestControlPlane, type TestControlPlane } from "./testing/test-control-plane.ts";

// I12: every route × every role. The routes come from what the running server says of itself (discovery, and its list of general documents); what each role
// may is written down here once more, in words of its own, and never asked of the server's rules.

interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

interface Route {
  readonly resource: Resource;
  readonly verb: string;
  /** "": all namespaces, or none. */
  readonly namespace: string;
  readonly method: string;
  readonly path: string;
}

const roles = ["nobody", "view of a", "edit of a", "admin of a", "admin of b", "environment-user", "operator", "cluster-admin", "master"] as const;
type Role = (typeof roles)[number];

/** What holds secret values: not for mere readers. */
const secretBearing = ["secrets"];
/** Objects of a namespace that reach beyond it: read by its people, written by operations. */
const beyond = ["resourcesets", "dependencies", "dependencyclaims"];
/** Kinds that say where workloads run: operations' own, whole. */
const operations = ["environments", "kubernetesruntimeinstances", "dependencyprofiles", "supportservicedefinitions", "supportserviceinstances"];
const reading = ["get", "list", "watch"];
const rbac = ["roles", "rolebindings"];

function may(role: Role, route: Pick<Route, "resource" | "verb" | "namespace">): boolean {
  const { resource, verb, namespace } = route;
  if (role === "master" || role === "cluster-admin") return true;
  // Whoever is known may ask who he is and what he may.
  if (resource.plural.startsWith("selfsubject")) return verb === "create";
  if (role === "nobody") return false;
  if (role === "environment-user" || role === "operator") {
    if (role === "operator") return operations.includes(resource.plural) || beyond.includes(resource.plural);
    if (!operations.includes(resource.plural)) return false;
    return resource.subresource === "" && reading.includes(verb);
  }
  const own = role.endsWith(" of b") ? "b" : "a";
  const level = role.split(" ")[0];
  if (namespace !== own) return false;
  if (resource.plural === "namespaces") return verb === "get" && resource.subresource === "";
  if (!resource.namespaced) return false;
  if (resource.plural === "localsubjectaccessreviews") return level === "admin";
  if (rbac.includes(resource.plural)) return level === "admin";
  if (resource.plural === "serviceaccounts" && resource.subresource === "token") return level !== "view";
  if (reading.includes(verb)) return level !== "view" || !secretBearing.includes(resource.plural);
  if (beyond.includes(resource.plural)) return false;
  // Status is what controllers say; people only read it. Scale is a wish like spec, and a stream runs something.
  return level !== "view" && ["", "scale", "exec", "portforward"].includes(resource.subresource);
}

const general = [
  "/",
  "/api",
  "/apis",
  "/apis/threeport.io",
  "/apis/threeport.io/v1alpha1",
  "/openapi/v3",
  "/openapi/v2",
  "/version",
  "/metrics",
  "/openid/v1/jwks",
  "/.well-known/openid-configuration",
  "/nowhere",
];

function mayReadPath(role: Role, path: string): boolean {
  if (role === "master" || role === "cluster-admin") return true;
  return /^\/(api|apis|openapi|version)(\/|$)/.test(path);
}

test("I12: every route answers every role as it should, and a refusal is the same whether the object is there or not", { timeout: 120_000 }, async () => {
  await using plane = await openTestControlPlane();
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca: plane.connection.caData });
  const asks = await asksOf(plane, agent);
  const routes = (await resourcesOf(asks.master)).flatMap(routesOf);
  expect(routes.length).toBeGreaterThan(150);
  const wrong: string[] = [];
  let asked = 0;
  const check = async (role: Role, method: string, path: string, allowed: boolean): Promise<void> => {
    asked++;
    const { status, text } = await asks[role](method, path);
    const refused = status === 403 && text.includes('"code":"TP_FORBIDDEN"') && text.includes(`User \\"${role}\\" cannot`);
    if (refused === allowed || status === 401 || status >= 500)
      wrong.push(`${role}: ${method} ${path}: ${allowed ? "allowed" : "refused"} was expected, ${status} came`);
  };
  for (const role of roles) {
    await Promise.all(routes.map((route) => check(role, route.method, route.path, may(role, route))));
    await Promise.all(general.map((path) => check(role, "GET", path, mayReadPath(role, path))));
  }
  agent.destroy();
  expect(wrong).toEqual([]);
  expect(asked).toBe(roles.length * (routes.length + general.length));
});

async function resourcesOf(ask: Ask): Promise<Resource[]> {
  const read = async (path: string) => JSON.parse((await ask("GET", path)).text) as Record<string, unknown>;
  const groups = (await read("/apis"))["groups"] as { versions: { groupVersion: string }[] }[];
  const places = ["api/v1", ...groups.flatMap((group) => group.versions.map((version) => `apis/${version.groupVersion}`))];
  const lists = await Promise.all(
    places.map(async (place) => {
      const [group = "", version = ""] = place === "api/v1" ? ["", "v1"] : place.split("/").slice(1);
      const list = (await read(`/${place}`))["resources"] as { name: string; namespaced: boolean; verbs: string[] }[];
      return list.map(({ name, namespaced, verbs }): Resource => {
        const [plural = "", subresource = ""] = name.split("/");
        return { group, version, plural, subresource, namespaced, verbs };
      });
    }),
  );
  return lists.flat();
}

const methods: Readonly<Record<string, string>> = {
  get: "GET",
  list: "GET",
  watch: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};

function routesOf(resource: Resource): Route[] {
  const base = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  return resource.verbs.flatMap((verb) => {
    const method = methods[verb] ?? verb;
    const item = ["get", "update", "patch", "delete"].includes(verb) || resource.subresource !== "";
    const collections = resource.namespaced
      ? [{ namespace: "a", at: `${base}/namespaces/a/${resource.plural}` }]
      : [{ namespace: "", at: `${base}/${resource.plural}` }];
    if (resource.namespaced && (verb === "list" || verb === "watch")) collections.push({ namespace: "", at: `${base}/${resource.plural}` });
    return collections.map(({ namespace, at }) => {
      // The namespace "a" is there, so its route needs its name; of everything else nothing of this name is.
      const name = resource.plural === "namespaces" ? "a" : "not-there";
      const subresource = resource.subresource === "" ? "" : `/${resource.subresource}`;
      const query = verb === "watch" ? "?watch=true&timeoutSeconds=1" : method === "GET" ? "" : "?dryRun=All";
      return {
        resource,
        verb,
        namespace: resource.plural === "namespaces" && item ? "a" : namespace,
        method,
        path: `${at}${item ? `/${name}` : ""}${subresource}${query}`,
      };
    });
  });
}

/** For each role somebody who has nothing but that role. */
async function asksOf(plane: TestControlPlane, agent: Agent): Promise<Readonly<Record<Role, Ask>>> {
  for (const name of ["a", "b"]) await plane.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const group = "rbac.authorization.k8s.io";
  const bind = (user: string, role: string, namespace?: string): Promise<KubeObject> =>
    plane.create({
      apiVersion: `${group}/v1`,
      kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
      metadata: { name: `test ${user}`, ...(namespace === undefined ? {} : { namespace }) },
      roleRef: { apiGroup: group, kind: "ClusterRole", name: role },
      subjects: [{ kind: "User", apiGroup: group, name: user }],
    });
  await Promise.all([
    bind("view of a", "view", "a"),
    bind("edit of a", "edit", "a"),
    bind("admin of a", "admin", "a"),
    bind("admin of b", "admin", "b"),
    bind("environment-user", "threeport:environment-user"),
    bind("operator", "threeport:operator"),
    bind("cluster-admin", "cluster-admin"),
  ]);
  const asks = Object.fromEntries(roles.map((role) => [role, askAs(plane, agent, role === "master" ? undefined : role)])) as Record<Role, Ask>;
  // The last binding is in force when the feed has told of it; so are those before it.
  await vi.waitFor(async () => expect((await asks["cluster-admin"]("GET", "/metrics")).status).toBe(200), { timeout: 5_000 });
  return asks;
}

interface Told {
  readonly status: number;
  readonly text: string;
}

type Ask = (method: string, path: string) => Promise<Told>;

/** Asks with the administrator's token, on behalf of `user`. */
function askAs(plane: TestControlPlane, agent: Agent, user: string | undefined): Ask {
  const { hostname, port } = new URL(plane.connection.server);
  return async (method, path) => {
    const sent = request({
      host: hostname,
      port,
      agent,
      method,
      path,
      headers: {
        authorization: `Bearer ${plane.connection.token}`,
        ...(user === undefined ? {} : { "impersonate-user": user }),
        ...(method === "PATCH" ? { "content-type": "application/merge-patch+json" } : { "content-type": "application/json" }),
      },
    });
    sent.end(method === "GET" || method === "DELETE" ? undefined : "{}");
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const text = await answer.setEncoding("utf8").reduce((all: string, chunk: string) => all + chunk, "");
    return { status: answer.statusCode ?? 0, text };
  };
}
