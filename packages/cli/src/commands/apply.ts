import { resourcePath, warningsOf, type ApiResource, type KubeClient, type Query, type Response } from "@threeport/client";
import { isErrorCode, PlatformError, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { loadManifests, type Manifest } from "../manifests/load-manifests.ts";
import { locateCauses, originInDocument } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { documentTarget } from "../objects/document-target.ts";
import { fullName } from "../objects/find-resource.ts";

export interface ApplyFlags {
  readonly filename: readonly string[];
  readonly namespace?: string;
  readonly forceConflicts: boolean;
}

export async function apply(this: CliContext, flags: ApplyFlags): Promise<void> {
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
    const { done, warnings } = await applyOne(client, { manifest, resource, name, namespace, force: flags.forceConflicts, signal: this.signal });
    for (const warning of warnings) note(this, `warning: ${manifest.file}: ${warning}`);
    say(this, `${fullName(resource, name)} ${done}`);
  }
}

interface Target {
  readonly manifest: Manifest;
  readonly resource: ApiResource;
  readonly name: string;
  readonly namespace: string | undefined;
  /** Take over what others manage. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

interface Done {
  readonly done: "created" | "configured" | "unchanged";
  readonly warnings: readonly string[];
}

/**
 * Server-side apply: what the document says is the whole of what tptctl wants; what it said before and says no more goes, what others wrote
 * stays. A field that the control plane does not know is a typing error: refused, as kubectl does.
 */
async function applyOne(client: KubeClient, { manifest, resource, name, namespace, force, signal }: Target): Promise<Done> {
  const { status: _, ...document } = manifest.value;
  const body = namespace === undefined ? document : { ...document, metadata: { ...(document["metadata"] as object), namespace } };
  const path = resourcePath(resource, { namespace, name });
  const send = (query: Query) =>
    client.request(path, { method: "PATCH", headers: { "content-type": "application/apply-patch+yaml" }, query: { ...fields, ...query }, body, signal });
  try {
    const before = await getIfThere(client, path, signal);
    const answer = await send(force ? { force: true } : {}).catch((error: unknown) => {
      if (onlyWithItself(error)) return send({ force: true });
      throw error;
    });
    if (before === undefined) return told("created", answer);
    return told((answer.body as StoredObject).metadata.resourceVersion === before.metadata.resourceVersion ? "unchanged" : "configured", answer);
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND") && namespace !== undefined)
      throw new PlatformError("TP_NOT_FOUND", {
        message: (error as Error).message,
        detail: { hint: `the project may be missing: kubectl create namespace ${namespace}, or put it into the file` },
      });
    throw inWordsOf(locateCauses(error, originInDocument(manifest)), fullName(resource, name));
  }
}

/** As the other commands are known to the API: by the name in their User-Agent. */
const manager = "tptctl";

const fields: Query = { fieldValidation: "Strict", fieldManager: manager };

/** Other commands of tptctl (deploy, env create) write under the same name, and are the same person's. */
function onlyWithItself(error: unknown): boolean {
  return error instanceof PlatformError && isConflict(error) && error.causes.every((cause) => cause.message.startsWith(`conflict with "${manager}"`));
}

function isConflict(error: PlatformError): boolean {
  return error.causes.some((cause) => cause.reason === "FieldManagerConflict");
}

/** The refusals that only an apply has. The causes name the fields. */
function inWordsOf(error: unknown, name: string): unknown {
  if (!(error instanceof PlatformError)) return error;
  const { causes, detail } = error;
  if (isConflict(error)) {
    const hint = "leave these fields out of the file, or take them over with --force-conflicts";
    return new PlatformError("TP_VERSION_CONFLICT", { message: `${name} has fields that others manage`, causes, detail: { ...detail, hint }, cause: error });
  }
  if (!error.message.startsWith("failed to create typed patch object")) return error;
  return new PlatformError(error.code, { message: `${name} is invalid`, causes, detail, cause: error });
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
