import { resolve } from "node:path";
import { parse } from "yaml";
import { PlatformError } from "@threeport/resource";
import type { CliContext } from "../context.ts";
import { userKubeconfigPaths } from "../environment.ts";
import { readIfThere } from "../files.ts";

export interface KubeconfigText {
  readonly path: string;
  readonly text: string;
}

/**
 * The kubeconfig that a person means: the named file; else, of the files in KUBECONFIG (or ~/.kube/config), the first that has the wanted context, or
 * that says which context is current. Files are not merged: a context, its cluster and its user stand in one file wherever a program wrote them.
 * @throws PlatformError TP_NOT_FOUND
 */
export async function chooseKubeconfig(context: CliContext, wanted: { readonly kubeconfig?: string; readonly context?: string }): Promise<KubeconfigText> {
  const paths = wanted.kubeconfig === undefined ? userKubeconfigPaths(context.environment) : [resolve(wanted.kubeconfig)];
  const texts: KubeconfigText[] = [];
  for (const path of paths) {
    const text = await readIfThere(path);
    if (text !== undefined) texts.push({ path, text });
  }
  const [first] = texts;
  if (first === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no kubeconfig: ${paths.join(", ")}`,
      detail: { hint: "name the cluster's kubeconfig with --kubeconfig FILE; --provider local makes a cluster here" },
    });
  return texts.length === 1 ? first : (texts.find(({ text }) => fits(text, wanted.context)) ?? first);
}

function fits(text: string, context: string | undefined): boolean {
  try {
    const file = parse(text, { maxAliasCount: 0, logLevel: "silent" }) as { "current-context"?: unknown; contexts?: { name?: unknown }[] } | null;
    if (context === undefined) return typeof file?.["current-context"] === "string" && file["current-context"] !== "";
    return Array.isArray(file?.contexts) && file.contexts.some((entry) => entry?.name === context);
  } catch {
    return false; // a broken file is told about when it is the one that is used
  }
}
