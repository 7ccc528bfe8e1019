import { PlatformError, formatApiVersion } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { loadManifests } from "../manifests/load-manifests.ts";
import { readSources } from "../manifests/read-sources.ts";
import { documentTarget } from "../objects/document-target.ts";
import { fullName } from "../objects/find-resource.ts";
import { removeObject } from "../objects/remove-object.ts";
import { readSelection } from "../objects/selection.ts";
import { isErrorCode } from "@threeport/resource";

interface Flags {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

export async function deleteObjects(this: CliContext, flags: Flags, ...args: string[]): Promise<void> {
  const fromFiles = flags.filename ?? [];
  if (fromFiles.length > 0 === args.length > 0)
    throw new PlatformError("TP_USAGE", { message: "say what goes: either KIND NAME, or -f FILE", detail: { hint: "for example: tptctl delete wi web-dev" } });
  const manifests = fromFiles.length > 0 ? loadManifests(await readSources(fromFiles, this.stdin)).manifests : [];
  await using client = await connect(this);
  const discovery = await client.discover({ signal: this.signal });
  const project = flags.namespace ?? defaultProject;
  // What was written last rests on what was written first.
  const targets =
    fromFiles.length > 0
      ? manifests.map((manifest) => documentTarget(discovery, manifest, project)).reverse()
      : readSelection(discovery, args).flatMap(({ resource, names }) => {
          if (names.length === 0)
            throw new PlatformError("TP_USAGE", {
              message: `say which of the ${resource.resource} goes`,
              detail: { hint: `tptctl get ${resource.resource} lists them` },
            });
          return names.map((name) => ({ resource, name, namespace: resource.namespaced ? project : undefined }));
        });
  for (const { resource, name, namespace } of targets) {
    const label = fullName(resource, name);
    try {
      await removeObject(this, client, {
        target: { apiVersion: formatApiVersion(resource.group, resource.version), kind: resource.kind, name, namespace },
        label,
        timeoutMs: flags.timeout,
        wait: flags.wait,
      });
    } catch (error) {
      if (fromFiles.length === 0 || !isErrorCode(error, "TP_NOT_FOUND")) throw error;
      say(this, `${label} is not there`);
    }
  }
}
