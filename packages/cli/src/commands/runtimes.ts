import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { resolveKubeconfig, type KubeClient } from "@threeport/client";
import { rfc3339Micro, systemClock, systemExec } from "@threeport/platform";
import { isErrorCode, PlatformError, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { namespace, runtimeInstance, secret, supportServiceInstance, systemNamespace, type Observed } from "../kinds.ts";
import { chooseKubeconfig } from "../kubeconfig/choose-kubeconfig.ts";
import { findResource } from "../objects/find-resource.ts";
import { removeObject } from "../objects/remove-object.ts";
import { kubeconfigTimeoutMs, localTimeoutMs, waitForRuntime } from "../progress/wait-for-runtime.ts";
import { getObjects, type GetFlags } from "./get.ts";

interface AddFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly provider: "kubeconfig" | "local" | "kind";
  readonly wait: boolean;
  readonly timeout?: number;
}

const kubeconfigSecretType = "threeport.io/kubeconfig";
const managedBy = { "app.kubernetes.io/managed-by": "tptctl" };
/** A change of this annotation makes the control plane take the cluster over. */
const claimAnnotation = "threeport.io/claim";

export async function addRuntime(this: CliContext, flags: AddFlags, name: string): Promise<void> {
  const own = flags.provider !== "kubeconfig";
  if (own && (flags.kubeconfig !== undefined || flags.context !== undefined))
    throw new PlatformError("TP_USAGE", {
      message: `a cluster of provider ${flags.provider} makes its own kubeconfig`,
      detail: { hint: "leave --kubeconfig and --context out" },
    });
  const resolved = own ? undefined : await resolveOnThisMachine(this, flags);
  await using client = await connect(this);
  if (resolved !== undefined) await storeKubeconfig(this, client, name, resolved);
  const spec = own
    ? { provider: flags.provider }
    : { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: systemNamespace, name: secretName(name), key: "kubeconfig" } } };
  await createOrKeep(this, client, name, spec);
  if (!flags.wait) return say(this, `runtime ${name} is being added; tptctl runtime list shows when it is ready`);
  await waitForRuntime(this, client, { name, timeoutMs: flags.timeout ?? (own ? localTimeoutMs : kubeconfigTimeoutMs) });
}

async function resolveOnThisMachine(context: CliContext, flags: AddFlags): Promise<string> {
  const { path, text } = await chooseKubeconfig(context, flags);
  try {
    return await resolveKubeconfig(text, {
      readFile: (file) => readFile(file),
      exec: systemExec,
      baseDir: dirname(resolve(path)),
      notice: (sentence) => note(context, `note: ${sentence}`),
      ...(flags.context === undefined ? {} : { context: flags.context }),
    });
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PlatformError(error.code, {
      message: `${path}: ${error.message}`,
      causes: error.causes,
      detail: { ...error.detail, hint: `correct ${path}, or choose another context with --context` },
      cause: error,
    });
  }
}

function secretName(runtime: string): string {
  return `runtime-${runtime}`;
}

async function storeKubeconfig(context: CliContext, client: KubeClient, name: string, text: string): Promise<void> {
  const { signal } = context;
  await unlessThere(client.create(namespace, { ...namespace, metadata: { name: systemNamespace } }, { signal }));
  const data = { kubeconfig: Buffer.from(text, "utf8").toString("base64") };
  const target = { ...secret, namespace: systemNamespace, name: secretName(name) };
  const made = await unlessThere(
    client.create(
      target,
      { ...secret, metadata: { name: target.name, namespace: systemNamespace, labels: managedBy }, type: kubeconfigSecretType, data },
      { signal },
    ),
  );
  if (!made) await client.patch(target, { data }, { signal });
}

async function createOrKeep(context: CliContext, client: KubeClient, name: string, spec: { readonly provider: string }): Promise<void> {
  const { signal } = context;
  if (await unlessThere(client.create(runtimeInstance, { ...runtimeInstance, metadata: { name }, spec }, { signal }))) return;
  const existing = await client.get<Observed>({ ...runtimeInstance, name }, { signal });
  if (existing.metadata.deletionTimestamp !== undefined)
    throw new PlatformError("TP_IN_USE", {
      message: `an earlier runtime ${name} is still being deleted`,
      detail: { hint: `wait for it: tptctl wait runtime/${name} --for=delete` },
    });
  if (existing.spec?.["provider"] !== spec.provider)
    throw new PlatformError("TP_ALREADY_EXISTS", {
      message: `there is a runtime ${name} of another sort (${String(existing.spec?.["provider"])})`,
      detail: { hint: "take another name" },
    });
  say(context, `runtime ${name} is there already; its kubeconfig was brought up to date`);
}

/** Returns whether it was created; an object that is there already is no error here. */
async function unlessThere(creation: Promise<unknown>): Promise<boolean> {
  try {
    await creation;
    return true;
  } catch (error) {
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return false;
    throw error;
  }
}

export async function listRuntimes(this: CliContext, { output }: { readonly output: GetFlags["output"] }): Promise<void> {
  await using client = await connect(this);
  const resource = findResource(await client.discover({ signal: this.signal }), "kubernetesruntimeinstances.threeport.io");
  await getObjects(this, client, { flags: { output, watch: false, allNamespaces: false }, asked: [{ resource, names: [] }] });
}

export async function deleteRuntime(this: CliContext, flags: { readonly wait: boolean; readonly timeout?: number }, name: string): Promise<void> {
  await using client = await connect(this);
  await removeUnusedServices(this, client, { runtime: name, timeoutMs: flags.timeout });
  await removeObject(this, client, { target: { ...runtimeInstance, name }, label: `runtime ${name}`, timeoutMs: flags.timeout, wait: flags.wait });
  if (flags.wait) await forgetKubeconfig(client, name, this.signal); // still needed while the runtime is on its way out
}

type SupportService = Observed & { readonly status?: { readonly users?: readonly string[] } };

/** What was installed into the cluster and is kept for a while in case somebody needs it again. What is used stays, and the runtime with it. */
async function removeUnusedServices(
  context: CliContext,
  client: KubeClient,
  { runtime, timeoutMs }: { readonly runtime: string; readonly timeoutMs: number | undefined },
): Promise<void> {
  const { items } = await client.list<SupportService>(supportServiceInstance, { signal: context.signal });
  const unused = items.filter(({ spec, status }) => spec?.["runtime"] === runtime && (status?.users ?? []).length === 0);
  for (const { metadata } of unused) {
    const target = { ...supportServiceInstance, name: metadata.name };
    await removeObject(context, client, { target, label: `unused support service ${metadata.name}`, timeoutMs, mayBeGone: true });
  }
}

async function forgetKubeconfig(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  const target = { ...secret, namespace: systemNamespace, name: secretName(name) };
  try {
    const found = await client.get<StoredObject>(target, { signal });
    if (found["type"] === kubeconfigSecretType && found.metadata.labels?.["app.kubernetes.io/managed-by"] === "tptctl")
      await client.delete(target, { signal, preconditions: { uid: found.metadata.uid } });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
  }
}

export async function claimRuntime(this: CliContext, flags: { readonly wait: boolean; readonly timeout?: number }, name: string): Promise<void> {
  await using client = await connect(this);
  const claim = rfc3339Micro(systemClock.now());
  await client.patch({ ...runtimeInstance, name }, { metadata: { annotations: { [claimAnnotation]: claim } } }, { signal: this.signal });
  if (!flags.wait) return say(this, `runtime ${name} was claimed`);
  await waitForRuntime(this, client, {
    name,
    timeoutMs: flags.timeout ?? kubeconfigTimeoutMs,
    stillOld: (runtime) => (runtime.status as { owned?: boolean } | undefined)?.owned !== true,
  });
}
