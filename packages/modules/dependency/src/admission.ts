// Claims and dependencies that people write themselves: whoever asks for a Secret must be allowed to read it, as whoever writes a workload that does.
import type { KubeObject } from "@threeport/resource";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyKind } from "./kinds/dependency.ts";
import { secretNameOf, secretType } from "./project-secret.ts";

/** What the writer of an object may do. */
export interface WriterRights {
  /** Throws TP_FORBIDDEN unless the writer may `get` the Secret; `why` names what refers to it. */
  readSecret(namespace: string, name: string, why: string): void;
}

type Rule = (object: KubeObject, old: KubeObject | undefined, rights: WriterRights) => Promise<void>;

/** By the resource whose writes they are asked of. */
export function dependencyAdmission(): ReadonlyMap<string, Rule> {
  return new Map([dependencyClaimKind.resource, dependencyKind.resource].map((resource) => [resource, holdNeed] as const));
}

async function holdNeed(object: KubeObject, _: KubeObject | undefined, rights: WriterRights): Promise<void> {
  const { metadata, spec } = object as DependencyClaim;
  if (spec.type === secretType) rights.readSecret(metadata.namespace ?? "", secretNameOf(spec), "spec.params.name names it");
  return Promise.resolve();
}
