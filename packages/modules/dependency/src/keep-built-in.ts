import { deepEqual, type Objects } from "@threeport/resource";
import { builtInProfiles } from "./built-in/index.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";

/** Writes the profiles that come with the control plane, where they are not there; called at each start. */
export async function keepBuiltInProfiles(objects: Objects): Promise<void> {
  for (const profile of builtInProfiles({ apiVersion: dependencyProfileKind.apiVersion, kind: dependencyProfileKind.kind })) {
    const found = await objects.get<DependencyProfile>({ apiVersion: profile.apiVersion, kind: profile.kind, name: profile.metadata.name });
    if (found === undefined || !deepEqual(found.spec, profile["spec"])) await objects.apply(profile);
  }
}
