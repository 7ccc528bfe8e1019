import type { Transport } from "../http/send-options.ts";
import type { ApiResource, DiscoveryFailure, DiscoveryResult } from "./api-resource.ts";

/** apidiscovery.k8s.io/v2 and v2beta1; the members that we read. All are optional, because servers differ in what they leave out. */
interface GroupDiscoveryList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version?: string; readonly freshness?: string; readonly resources?: readonly ResourceDiscovery[] }[];
  }[];
}

interface ResourceDiscovery {
  readonly resource?: string;
  readonly responseKind?: { readonly kind?: string };
  readonly scope?: string;
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource?: string }[];
}

const accept =
  ["v2", "v2beta1"].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`).join(",") + ",application/json";

/** Everything the server serves in two requests, or undefined where the server does not offer aggregated discovery. */
export async function discoverAggregated(transport: Transport, signal?: AbortSignal): Promise<DiscoveryResult | undefined> {
  const call = { headers: { accept }, ...(signal === undefined ? {} : { signal }) };
  const answers = await Promise.all(["/api", "/apis"].map((path) => transport.request(path, call)));
  const lists = answers.map((answer) => answer.body as GroupDiscoveryList | undefined);
  if (!lists.every((list) => list?.kind === "APIGroupDiscoveryList")) return undefined;
  const resources: ApiResource[] = [];
  const failures: DiscoveryFailure[] = [];
  for (const item of lists.flatMap((list) => list?.items ?? [])) {
    const group = item.metadata?.name ?? "";
    for (const { version = "", freshness, resources: found = [] } of item.versions ?? []) {
      if (freshness === "Stale" && found.length === 0) failures.push({ group, version, message: "the server behind this group does not answer" });
      for (const resource of found) resources.push(...resourceOf(group, version, resource));
    }
  }
  return { resources, failures };
}

function resourceOf(group: string, version: string, found: ResourceDiscovery): ApiResource[] {
  const kind = found.responseKind?.kind;
  if (found.resource === undefined || kind === undefined || kind === "") return []; // only subresources live here
  return [
    {
      group,
      version,
      kind,
      resource: found.resource,
      singular: found.singularResource ?? "",
      shortNames: found.shortNames ?? [],
      categories: found.categories ?? [],
      namespaced: found.scope === "Namespaced",
      verbs: found.verbs ?? [],
      subresources: (found.subresources ?? []).flatMap((sub) => sub.subresource ?? []),
    },
  ];
}
