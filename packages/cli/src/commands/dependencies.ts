import type { KubeClient } from "@threeport/client";
import { deepEqual, isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, dependency, dependencyProfile, projectFlag, type Dependency, type DependencyProfile } from "../kinds.ts";
import { findDependency } from "../objects/find-dependency.ts";
import { findResource } from "../objects/find-resource.ts";
import { followDependency } from "../progress/follow-dependency.ts";
import { getObjects, type GetFlags } from "./get.ts";

export async function listDependencies(
  this: CliContext,
  { namespace, allNamespaces, output }: Pick<GetFlags, "namespace" | "allNamespaces" | "output">,
): Promise<void> {
  await using client = await connect(this);
  const resource = findResource(await client.discover({ signal: this.signal }), "dependencies.threeport.io");
  const flags = { output, watch: false, allNamespaces, ...(namespace === undefined ? {} : { namespace }) };
  await getObjects(this, client, { flags, asked: [{ resource, names: [] }] });
}

export interface RotateFlags {
  readonly namespace?: string;
  readonly value?: readonly string[];
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Asks for new generated values. The control plane makes them, has the dependency take them, and replaces the pods that use it. */
export async function rotateDependency(this: CliContext, flags: RotateFlags, name: string): Promise<void> {
  const { signal } = this;
  const namespace = flags.namespace ?? defaultProject;
  await using client = await connect(this);
  const found = await findDependency(client, { namespace, name }, signal);
  const values = [...new Set(flags.value ?? (await rotatableOf(client, found, signal)))];
  const rotations = { ...found.spec.rotations, ...Object.fromEntries(values.map((value) => [value, (found.spec.rotations?.[value] ?? 0) + 1])) };
  const asked = await askFor(client, found, { rotations }, signal);
  const users = found.status?.users ?? [];
  say(this, `${values.join(", ")} of ${name} ${values.length === 1 ? "is" : "are"} made anew; ${usersText(users)}`);
  if (!flags.wait) return say(this, `look at it with tptctl get dependency ${name}${projectFlag(namespace)}`);
  await followDependency(this, client, { dependency: asked, goal: "is ready with the new values", timeoutMs: flags.timeout });
}

function usersText(users: readonly string[]): string {
  return users.length === 0 ? "nobody uses it" : `it is used by ${users.join(", ")}, whose pods are replaced`;
}

/** Writes fields of its spec under the version that was read: somebody else's wish is not overwritten. */
export async function askFor(client: KubeClient, found: Dependency, spec: object, signal: AbortSignal): Promise<Dependency> {
  const { name, namespace, resourceVersion } = found.metadata;
  const patch = async (version: string | undefined): Promise<Dependency> =>
    client.patch<Dependency>({ ...dependency, name, namespace }, { metadata: { resourceVersion: version }, spec }, { signal });
  try {
    return await patch(resourceVersion);
  } catch (error) {
    if (!isErrorCode(error, "TP_VERSION_CONFLICT")) throw error;
    // Its status moves by itself.
    const now = await client.get<Dependency>({ ...dependency, name, namespace }, { signal });
    if (!deepEqual(now.spec, found.spec)) throw error;
    return patch(now.metadata.resourceVersion);
  }
}

async function rotatableOf(client: KubeClient, { metadata, spec }: Dependency, signal: AbortSignal): Promise<readonly string[]> {
  if (spec.profile === undefined)
    throw new PlatformError("TP_USAGE", {
      message: `${metadata.name} has no profile yet: nothing was made`,
      detail: { hint: `tptctl why dependency/${metadata.name} says what it waits for` },
    });
  const profile = await client.get<DependencyProfile>({ ...dependencyProfile, name: spec.profile }, { signal });
  const { generated = {}, rotatable = [] } = profile.spec;
  if (rotatable.length > 0) return rotatable;
  const made = Object.keys(generated);
  throw new PlatformError("TP_INVALID", {
    message: `profile ${spec.profile} of ${metadata.name} ${made.length === 0 ? "generates no values" : `does not call ${made.join(", ")} rotatable: what it makes keeps the value that it got first`}`,
    detail: {
      hint:
        made.length === 0
          ? "what it gives comes from elsewhere: change it there"
          : "change it on the server by hand, or delete the dependency when nobody uses it",
    },
  });
}
