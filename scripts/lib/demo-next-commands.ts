import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { binariesPlace, kubernetesCacheFolder } from "../../packages/modules/runtime/src/local/index.ts";

export interface NextCommands {
  /** Of the demo's control plane. */
  readonly home: string;
  /** tptctl, by its path. */
  readonly program: string;
  readonly clusterKubeconfig: string;
  /** Where the workloads are in the cluster. */
  readonly targetNamespace: string;
  /** Those of the example, as they are typed. */
  readonly commands: readonly string[];
}

/** What can be tried while the demo stays, for a shell. */
export function nextCommands({ home, program, clusterKubeconfig, targetNamespace, commands }: NextCommands): string {
  const kubectl = findKubectl();
  const lines = [
    `export THREEPORT_HOME=${home}`,
    `${program} tree`,
    ...commands,
    `KUBECONFIG=${join(home, "kubeconfig")} ${kubectl} get environments,workloadinstances,dependencies,releases`,
    `KUBECONFIG=${clusterKubeconfig} ${kubectl} -n ${targetNamespace} get all`,
  ];
  return `${indented(lines.join("\n"))}\n\nCtrl-C ends it and removes everything.`;
}

function findKubectl(): string {
  if ((process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, "kubectl")))) return "kubectl";
  const { folder, cacheDir } = binariesPlace(process.env);
  const ours = join(folder ?? kubernetesCacheFolder(cacheDir), "kubectl");
  return existsSync(ours) ? ours : "kubectl";
}

/** Lines of a text, two columns to the right. */
export function indented(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
