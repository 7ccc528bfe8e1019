import { environmentKind, type Environment } from "@threeport/module-environment";
import { PlatformError, type Objects } from "@threeport/resource";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import type { ProfileMatch } from "./kinds/profile-match.ts";
import { matchPlaceOf, matchProfile } from "./match.ts";

/** Which profile would be taken now, by the function that dependencies are bound with. */
export async function computeMatch(match: ProfileMatch, { objects }: { readonly objects: Objects }): Promise<ProfileMatch> {
  const { spec } = match;
  const environment = await readEnvironment(spec.environment, objects);
  const runtime = spec.runtime ?? environment.spec.runtime;
  const place = await matchPlaceOf({ environment, runtime }, objects);
  const { chosen, candidates } = matchProfile(await objects.list<DependencyProfile>(dependencyProfileKind), spec, place);
  return { ...match, status: { runtime, ...(chosen === undefined ? {} : { chosen: chosen.metadata.name }), candidates: [...candidates] } };
}

/** @throws PlatformError TP_NOT_FOUND */
export async function readEnvironment(name: string, objects: Objects): Promise<Environment> {
  const environment = await objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name });
  if (environment === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `environments.threeport.io "${name}" not found` });
  return environment;
}
