import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createReflector, type KubeClient } from "@threeport/client";
import { backoffMs, type Clock, type Logger, type Random } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { claimTarget, serviceTarget, storageClassTarget, volumeTarget, type Claim, type Service, type Volume } from "./kinds.ts";
import { planAddresses } from "./load-balancers.ts";
import { tell } from "./tell.ts";
import { planVolumes, volumeFinalizer, volumeFor } from "./volumes.ts";

// What a cloud does for its clusters, done for one node of this machine: volumes for claims, addresses for Services.
//   It keeps nothing in memory. A change wakes it; it reads everything, compares, and writes what is missing. So a crash at any line, and
//   a lost wake-up, are both made good by the next look.

export interface NodeAgentOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly nodeName: string;
  /** Where volumes are kept, as this process sees it. */
  readonly volumesFolder: string;
  /** The same folder as the kubelet sees it. */
  readonly volumesPath: string;
  /** Addresses for Services of type LoadBalancer. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

/** A lost wake-up costs no more than this. */
const lookEveryMs = 30_000;
const retryPolicy = { baseMs: 200, capMs: 10_000 };
/** Who a container runs as is not known here: as with other provisioners, everybody may write; nobody else of the machine reaches the folder. */
const volumeMode = 0o777;

/** Runs until the signal aborts. */
export async function runNodeAgent(options: NodeAgentOptions): Promise<void> {
  const { clock, random, log, signal } = options;
  let woken = Promise.withResolvers<void>();
  await using _reflectors = follow(options, () => woken.resolve());
  let failures = 0;
  while (!signal.aborted) {
    woken = Promise.withResolvers<void>(); // before looking: what changes meanwhile is looked at again
    const failed = (await Promise.all([attempt(volumes), attempt(loadBalancers)])).includes(false);
    failures = failed ? failures + 1 : 0;
    const pauseMs = failed ? backoffMs(failures, retryPolicy, random) : lookEveryMs;
    await Promise.race([woken.promise, clock.sleep(pauseMs, signal).catch(() => {})]); // aborted: the loop ends
  }

  async function attempt(work: (options: NodeAgentOptions) => Promise<void>): Promise<boolean> {
    try {
      await work(options);
      return true;
    } catch (error) {
      log.info("a look at the cluster failed and is repeated", { error: String(error) });
      return false;
    }
  }
}

function follow({ client, clock, random, log }: NodeAgentOptions, wake: () => void): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  for (const source of [claimTarget, volumeTarget, serviceTarget])
    stack.use(createReflector({ client, clock, random, log, source, handlers: { replace: wake, upsert: wake, remove: wake } }));
  return stack;
}

async function volumes(options: NodeAgentOptions): Promise<void> {
  const { client, clock, signal } = options;
  const claims = (await client.list<Claim>(claimTarget, { signal })).items.map((claim) => ({ ...claim, ...claimTarget }));
  const found = (await client.list<Volume>(volumeTarget, { signal })).items.map((volume) => ({ ...volume, ...volumeTarget }));
  const plan = planVolumes({ claims, volumes: found, root: options.volumesPath });
  for (const { volume, folder } of plan.remove)
    await telling(options, { about: volume, reason: "VolumeFailedDelete" }, () => removeVolume(options, volume, folder));
  for (const { claim, folder } of plan.make) await telling(options, { about: claim, reason: "ProvisioningFailed" }, () => makeVolume(options, claim, folder));
  for (const { claim, why } of plan.refuse) await tell(client, clock, { about: claim, type: "Warning", reason: "ProvisioningFailed", message: why });
}

async function makeVolume(options: NodeAgentOptions, claim: Claim, folder: string): Promise<void> {
  const { client, nodeName, volumesFolder, volumesPath, signal } = options;
  const storageClass = await client.get<StoredObject & { reclaimPolicy?: string }>(
    { ...storageClassTarget, name: claim.spec.storageClassName ?? "" },
    { signal },
  );
  await mkdir(join(volumesFolder, claim.metadata.namespace ?? ""), { recursive: true, mode: 0o755 });
  await makeFolder(join(volumesFolder, folder));
  const volume = volumeFor(claim, { path: join(volumesPath, folder), nodeName, reclaimPolicy: storageClass.reclaimPolicy ?? "Delete" });
  try {
    await client.create(volumeTarget, volume, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
  }
}

/** A folder that is there keeps what is in it, and its owner (V3). */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return;
  }
  await chmod(path, volumeMode); // mkdir's mode is cut by the process's mask
}

/** V2: the folder first, then the volume: a crash between leaves a volume that is removed again. */
async function removeVolume({ client, volumesFolder, signal }: NodeAgentOptions, volume: Volume, folder: string | undefined): Promise<void> {
  const { name, uid, deletionTimestamp, resourceVersion, finalizers = [] } = volume.metadata;
  if (folder !== undefined) await rm(join(volumesFolder, folder), { recursive: true, force: true });
  const target = { ...volumeTarget, name };
  try {
    if (deletionTimestamp === undefined) {
      await client.delete(target, { preconditions: { uid }, signal });
      return; // the finalizer goes at the next look, which the deletion causes
    }
    await client.patch(target, { metadata: { resourceVersion, finalizers: finalizers.filter((each) => each !== volumeFinalizer) } }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
  }
}

async function loadBalancers({ client, clock, addresses, signal }: NodeAgentOptions): Promise<void> {
  const services = (await client.list<Service>(serviceTarget, { signal })).items.map((service) => ({ ...service, ...serviceTarget }));
  const plan = planAddresses(services, addresses);
  for (const { service, address } of plan.changes) {
    const { namespace, name, resourceVersion } = service.metadata;
    const ingress = address === undefined ? null : [{ ip: address, ipMode: "VIP" }];
    // The version: an address that was read as free must not be written over what came meanwhile.
    const patch = { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } };
    await client.patch({ ...serviceTarget, namespace, name, subresource: "status" }, patch, { signal });
  }
  for (const about of plan.without) {
    const message = `all ${addresses.length} addresses for load balancers (${addresses[0] ?? ""} to ${addresses.at(-1) ?? ""}) are in use; it gets one as soon as another Service of type LoadBalancer goes`;
    await tell(client, clock, { about, type: "Warning", reason: "NoLoadBalancerAddress", message });
  }
}

/** Says of the object why its work failed, then fails. */
async function telling(
  { client, clock }: NodeAgentOptions,
  { about, reason }: { readonly about: StoredObject; readonly reason: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    await tell(client, clock, { about, type: "Warning", reason, message: `${error instanceof Error ? error.message : String(error)}; it is tried again` });
    throw error;
  }
}
