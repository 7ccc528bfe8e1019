import { resourcePath, warningsOf, type ApiResource, type KubeClient, type Response } from "@threeport/client";
import { isErrorCode, PlatformError, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { loadManifests, type Manifest } from "../manifests/load-manifests.ts";
import { locateCauses, originInDocument } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { documentTarget } from "../objects/document-target.ts";
import { fullName } from "../objects/find-resource.ts";

export async function apply(this: CliContext, flags: { readonly filename: readonly string[]; readonly namespace?: string }): Promise<void> {
  const { manifests, warnings } = loadManifests(await readSources(flags.filename, this.stdin));
  for (const warning of warnings) note(this, `warning: ${warning}`);
  await using client = await connect(this);
  const discovery = await client.discover({ signal: this.signal });
  const targets = manifests.map((manifest) => ({ manifest, ...documentTarget(discovery, manifest, flags.namespace ?? defaultProject) }));
  // What everything else rests on comes first; otherwise the order of the files is the user's.
  const ordered = [
    ...targets.filter(({ resource }) => resource.resource === "namespaces"),
    ...targets.filter(({ resource }) => resource.resource !== "namespaces"),
  ];
  for (const { manifest, resource, name, namespace } of ordered) {
    const { done, warnings } = await applyOne(client, { manifest, resource, name, namespace, signal: this.signal });
    for (const warning of warnings) note(this, `warning: ${manifest.file}: ${warning}`);
    say(this, `${fullName(resource, name)} ${done}`);
  }
}

interface Target {
  readonly manifest: Manifest;
  readonly resource: ApiResource;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
}

interface Done {
  readonly done: "created" | "configured" | "unchanged";
  readonly warnings: readonly string[];
}

/** A field that the control plane does not know is a typing error: refused, as kubectl does. */
const query = { fieldValidation: "Strict", fieldManager: "tptctl" };

/** Creates the object, or merges the document into it (RFC 7386): lists are replaced, what the document leaves out stays. */
async function applyOne(client: KubeClient, { manifest, resource, name, namespace, signal }: Target): Promise<Done> {
  const { status: _, ...document } = manifest.value;
  const body = namespace === undefined ? document : { ...document, metadata: { ...(document["metadata"] as object), namespace } };
  const path = resourcePath(resource, { namespace, name });
  try {
    const before = await getIfThere(client, path, signal);
    if (before === undefined) {
      return told("created", await client.request(resourcePath(resource, { namespace }), { method: "POST", query, body, signal }));
    }
    const answer = await client.request(path, { method: "PATCH", headers: { "content-type": "application/merge-patch+json" }, query, body, signal });
    return told((answer.body as StoredObject).metadata.resourceVersion === before.metadata.resourceVersion ? "unchanged" : "configured", answer);
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND") && namespace !== undefined)
      throw new PlatformError("TP_NOT_FOUND", {
        message: (error as Error).message,
        detail: { hint: `the project may be missing: kubectl create namespace ${namespace}, or put it into the file` },
      });
    throw locateCauses(error, originInDocument(manifest));
  }
}

function told(done: Done["done"], { headers }: Response): Done {
  return { done, warnings: warningsOf(headers) };
}

async function getIfThere(client: KubeClient, path: string, signal: AbortSignal): Promise<StoredObject | undefined> {
  return client.request(path, { signal }).then(
    ({ body }) => body as StoredObject,
    (error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
      throw error;
    },
  );
}
