import type { Objects, StoredObject } from "@threeport/resource";
import { runtimeKind } from "./contents.ts";

/** Version of Kubernetes of a runtime, such as `v1.36.4`; undefined while it has not been reached. */
export async function runtimeVersion(name: string, objects: Pick<Objects, "get">): Promise<string | undefined> {
  const runtime = await objects.get<StoredObject & { readonly status?: { readonly version?: string } }>({ ...runtimeKind, name });
  return runtime?.status?.version;
}
