import { isErrorCode, toPlatformError } from "@threeport/resource";
import type { Transport } from "../http/send-options.ts";
import type { ApiResource, DiscoveryFailure, DiscoveryResult } from "./api-resource.ts";

interface ApiVersions {
  readonly versions?: readonly string[];
}

interface ApiGroupList {
  readonly groups?: readonly {
    readonly name: string;
    readonly preferredVersion?: { readonly version: string };
    readonly versions: readonly { readonly version: string }[];
  }[];
}

interface ApiResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly group?: string;
    readonly version?: string;
    readonly singularName?: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

/** The way of servers without aggregated discovery: one request a group version. A group that fails is reported, the others are used. */
export async function discoverByGroupVersion(transport: Transport, signal?: AbortSignal): Promise<DiscoveryResult> {
  const call = signal === undefined ? {} : { signal };
  const core = transport.request("/api", call).catch((error: unknown) => {
    if (isErrorCode(error, "TP_NOT_FOUND")) return { body: {} }; // a server without the core group
    throw error;
  });
  const [versions, groups] = await Promise.all([core, transport.request("/apis", call)]);
  const groupVersions = [
    ...((versions.body as ApiVersions).versions ?? []).map((version) => ({ group: "", version, path: `/api/${version}` })),
    ...((groups.body as ApiGroupList).groups ?? []).flatMap(({ name, preferredVersion, versions }) =>
      versions
        .toSorted((a, b) => Number(b.version === preferredVersion?.version) - Number(a.version === preferredVersion?.version))
        .map(({ version }) => ({ group: name, version, path: `/apis/${name}/${version}` })),
    ),
  ];
  const failures: DiscoveryFailure[] = [];
  const found = await Promise.all(
    groupVersions.map(async ({ group, version, path }) => {
      try {
        return resourcesOf(group, version, (await transport.request(path, call)).body as ApiResourceList);
      } catch (error) {
        signal?.throwIfAborted();
        if (isErrorCode(error, "TP_RUNTIME_UNREACHABLE")) throw error; // the whole server is away: an incomplete answer would be mistaken for the truth
        failures.push({ group, version, message: toPlatformError(error).message });
        return [];
      }
    }),
  );
  return { resources: found.flat(), failures };
}

function resourcesOf(group: string, version: string, list: ApiResourceList): ApiResource[] {
  const all = list.resources ?? [];
  const subresources = Map.groupBy(
    all.filter(({ name }) => name.includes("/")).map(({ name }) => name.split("/", 2) as [string, string]),
    ([resource]) => resource,
  );
  return all
    .filter(({ name }) => !name.includes("/"))
    .map((found) => ({
      group,
      version,
      kind: found.kind,
      resource: found.name,
      singular: found.singularName ?? "",
      shortNames: found.shortNames ?? [],
      categories: found.categories ?? [],
      namespaced: found.namespaced,
      verbs: found.verbs,
      subresources: (subresources.get(found.name) ?? []).map(([, subresource]) => subresource),
    }));
}
