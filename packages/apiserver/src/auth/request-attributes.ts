import { parseFieldSelector } from "@threeport/resource";
import type { Attributes } from "./attributes.ts";
import type { Query } from "../http/negotiation.ts";
import type { Route } from "../http/route.ts";

/** The verbs by method, for one object and for a collection. */
const verbs: Readonly<Record<string, readonly [one: string, collection: string]>> = {
  GET: ["get", "list"],
  HEAD: ["get", "list"],
  POST: ["create", "create"],
  PUT: ["update", "update"],
  PATCH: ["patch", "patch"],
  DELETE: ["delete", "deletecollection"],
};

export interface Asked {
  readonly method: string;
  readonly route: Route;
  readonly query: Query;
  /** The request is a watch. */
  readonly watch: boolean;
}

/** What a request of the resource API wants, in the words of RBAC. */
export function requestAttributes({ method, route, query, watch }: Asked): Attributes {
  const { kind, subresource } = route;
  const [one, collection] = verbs[method] ?? [method.toLowerCase(), method.toLowerCase()];
  const verb = route.name !== undefined ? one : watch ? "watch" : collection;
  const name = route.name ?? (verb === "list" || verb === "watch" ? selectedName(query) : "");
  // A namespace is inside itself, so that a role in it can allow to read it.
  const namespace = kind.resource === "namespaces" ? (route.name ?? "") : (route.namespace ?? "");
  return { verb, group: kind.group, resource: kind.plural, subresource, namespace, name };
}

/** A list or watch of one name by its field selector counts as a reading of that object. */
function selectedName(query: Query): string {
  const selector = query.text("fieldSelector");
  if (selector === undefined || !selector.includes("metadata.name")) return "";
  try {
    return parseFieldSelector(selector).requirements.find(({ field, operator }) => field === "metadata.name" && operator === "=")?.value ?? "";
  } catch {
    return ""; // it is refused for its form by who reads it, if the caller may ask at all
  }
}
