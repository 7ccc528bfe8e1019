// Who deploys a workload that reads Secrets of its project must be allowed to read them (§5.10 P2). It is asked whenever what runs is written, also where the
// resource was there before: other containers would read the same values.
import { secretNameOf, type WriterRights } from "@threeport/module-dependency";
import { mergePatch } from "@threeport/resource";
import { checkScore, secretNeeds } from "@threeport/score";
import { documentOfChart } from "./chart-dependencies.ts";
import { documentOfDependencies } from "./manifest-dependencies.ts";
import type { WorkloadInstance } from "./kinds/index.ts";
import type { Source } from "./source.ts";

export interface HeldSource {
  readonly source: Source;
  readonly namespace: string;
  /** What is different in a deployment. */
  readonly values?: WorkloadInstance["spec"]["values"] | undefined;
}

/** Throws TP_FORBIDDEN unless the writer may `get` each Secret that is named. */
export function holdSecrets({ source, namespace, values }: HeldSource, rights: WriterRights): void {
  if (source.kind !== "score") {
    const document = source.kind === "helm" ? documentOfChart("chart", source.helm.dependencies) : documentOfDependencies("manifests", source);
    const needs = secretNeeds(document);
    for (const need of needs) rights.readSecret(namespace, secretNameOf(need), `dependency ${need.name} of the workload reads it`);
    return;
  }
  const checked = checkScore(values === undefined ? source.document : mergePatch(source.document, values));
  if ("causes" in checked) return; // its status tells, and nothing is read
  for (const need of secretNeeds(checked.document)) rights.readSecret(namespace, secretNameOf(need), `resources.${need.name} of the workload reads it`);
}
