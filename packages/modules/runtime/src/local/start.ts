import { mkdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock, Exec, Logger, Random } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { type ApiAccess, openApi } from "./api-access.ts";
import type { KubernetesBinaries } from "./binaries.ts";
import { createCgroups, cgroupHierarchies } from "./cgroups.ts";
import { frontProxy, writeClusterPki } from "./cluster-pki.ts";
import { componentCommand, type ComponentName } from "./component-commands.ts";
import { type ContainerdClient, containerdAnswers, importImages, importMissing, makeNodeImages } from "./container-images.ts";
import { nodeAgentObjects } from "./node-agent-objects.ts";
import { corednsDeploymentPath, corednsObjects } from "./coredns.ts";
import { connectNode, hostRoutes } from "./host-network.ts";
import type { ImageArchive } from "./image.ts";
import { collidesWith, networkPlan } from "./network-plan.ts";
import { configPath, nodeConfigFiles, type NodeSettings } from "./node-config.ts";
import { killComponent, livingInit, type NodeContext, processMark, requireComponent, startComponent, startInit } from "./node-processes.ts";
import { processesWithEnvironment } from "./process-table.ts";
import { takeProcessLock, tryProcessLock } from "./process-lock.ts";
import { removeTraces } from "./remove-traces.ts";
import { requireRoot } from "./require-root.ts";
import { claimSlot, findSlot, type SlotRecord, slotsFolderDefault } from "./slots.ts";
import { createStateFolders, kubeconfigFile, removeStateFolders, stateFolders, stateLockName } from "./state-folder.ts";
import { stopLocalKubernetes } from "./stop.ts";
import { ensureSystemPackages, withSystemPath } from "./system-packages.ts";
import { waitFor } from "./wait.ts";

export interface StartRequest {
  /** A DNS label; names the node and the kubeconfig's context. */
  readonly name: string;
  /** Folder of this cluster alone; made when absent, removed by stop. Two clusters are two folders. */
  readonly stateDir: string;
  readonly binaries: KubernetesBinaries;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Where volumes are kept when they are to outlive the cluster; made when absent, never removed. Default: in `stateDir`, and gone with it. */
  readonly volumesFolder?: string;
  /** Loaded before the node is ready, so pods can use them at once. */
  readonly images?: readonly ImageArchive[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/** A running one-node cluster. It outlives the process that started it. */
export interface LocalKubernetes {
  readonly name: string;
  /** YAML with CA, client certificate and key inline; the client is in system:masters. */
  readonly kubeconfig: string;
  readonly kubectlPath: string;
  readonly stateDir: string;
  /** Reachable from this machine only; NodePorts answer there. */
  readonly nodeIp: string;
  /** Puts a docker-archive into the node. Pods then say its exact name, with `imagePullPolicy: IfNotPresent` or `Never`. */
  loadImage(tarPath: string): Promise<void>;
  stop(): Promise<void>;
}

// Starting is a list of steps, each of which looks before it acts. A starter that dies (or fails) leaves a cluster that the
// next start of the same folder completes, or that a stop removes. What runs is never started twice.

/** Loaded machines take many times the usual 5 s. */
const apiDeadlineMs = 120_000;
const readyDeadlineMs = 120_000;
/** How long an API server that was there already may say nothing before it counts as hanging; a new one is ready in 3 s. */
const hangDeadlineMs = 15_000;

/**
 * Starts a real Kubernetes on this machine, or adopts the one of `stateDir` when it runs. Needs root. Fails with
 * TP_LOCAL_KUBERNETES_FAILED and the end of the log of what failed; then call it again, or stop.
 */
export async function startLocalKubernetes(asked: StartRequest): Promise<LocalKubernetes> {
  const request = { ...asked, exec: withSystemPath(asked.exec) };
  refuseUnusable(request);
  await createStateFolders(request.stateDir);
  const stateDir = await realpath(request.stateDir);
  const step = progress(request);
  await using _lock = await takeProcessLock(stateLockName(stateDir), {
    ...withSignal(request),
    onWait: () => step("waiting for another process that starts or stops this cluster"),
  });
  const programs = await ensureSystemPackages(request);

  const record = await claim(request, stateDir, step);
  const settings: NodeSettings = {
    plan: networkPlan(record.slot),
    nodeName: record.name,
    stateDir,
    binariesFolder: request.binaries.folder,
    runcPath: programs.runc,
    volumesFolder: request.volumesFolder ?? join(stateDir, stateFolders.volumes),
  };
  await createStateFolders(stateDir);
  await mkdir(settings.volumesFolder, { recursive: true, mode: 0o700 });
  // One of an earlier version lacks what this one needs.
  const pki = join(stateDir, stateFolders.pki);
  if (!(await exists(join(pki, `${frontProxy}.crt`)))) await rm(pki, { recursive: true, force: true });
  if (!(await exists(pki))) await writeClusterPki({ ...settings, name: record.name, clock: request.clock });
  await writeConfig(settings);

  const cgroupEntrances = await createCgroups(settings.plan.cgroupRoot, await cgroupHierarchies());
  const living = await livingInit(stateDir);
  const continued = living !== undefined;
  const context: NodeContext = { id: record.id, settings, cgroupEntrances, continued, exec: request.exec, clock: request.clock, ...withSignal(request) };
  const init = living ?? (await startInit(context));
  await connectNode(request.exec, settings.plan, init.pid);
  step("node namespaces are there");

  using api = await openApi(settings);
  const containerd: ContainerdClient = { exec: request.exec, ctrPath: join(settings.binariesFolder, "ctr"), initPid: init.pid, ...withSignal(request) };
  const run = (...names: ComponentName[]) => Promise.all(names.map((name) => startComponent(context, init, componentCommand(name, settings))));
  await run("etcd", "kube-apiserver", "containerd");
  const imagesLoaded = loadNodeImages({ request, settings, containerd, busybox: programs.busybox });
  await Promise.all([imagesLoaded, apiAnswers({ context, api, run, step }).then(() => step("API server is ready"))]);
  await run("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy");
  for (const { path, object } of [...nodeAgentObjects(), ...corednsObjects(settings.plan)]) await api.apply(path, object);
  await run("node-agent");
  await usable(context, api, step);
  request.log.debug("local Kubernetes runs", { name: record.name, stateDir, slot: record.slot });

  return {
    name: record.name,
    kubeconfig: await readFile(join(stateDir, kubeconfigFile), "utf8"),
    kubectlPath: join(settings.binariesFolder, "kubectl"),
    stateDir,
    nodeIp: settings.plan.nodeIp,
    loadImage: async (tarPath) => void (await importImages(containerd, tarPath)),
    stop: async () => {
      await stopLocalKubernetes({ stateDir, exec: request.exec, clock: request.clock, log: request.log });
    },
  };
}

/** The cluster of this folder when its node lives; else a new one, after what an earlier one left has been removed. */
async function claim(request: StartRequest, stateDir: string, step: (line: string) => void): Promise<SlotRecord> {
  const existing = await findSlot(slotsFolderDefault, stateDir);
  const alive = existing !== undefined && (await livingInit(stateDir)) !== undefined;
  if (existing !== undefined && alive) {
    step(`continuing with the cluster ${existing.name} of this folder`);
    return existing;
  }
  const remained = existing === undefined ? [] : await removeTraces(existing, request);
  if (remained.length > 0) {
    throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", {
      message: `An earlier cluster of ${stateDir} could not be removed: ${remained.join(", ")} remained.`,
      detail: { remained },
    });
  }
  await removeStateFolders(stateDir);
  if (existing !== undefined) return existing;
  const routes = await hostRoutes(request.exec);
  return claimSlot({
    folder: slotsFolderDefault,
    id: request.random.uuid(request.clock.now()),
    name: request.name,
    stateDir,
    collides: (plan) => routes.some((route) => collidesWith(plan, route)),
    isDead: (record) => isDead(record, request.clock),
    removeTraces: (record) => removeTraces(record, request),
    ...withSignal(request),
  });
}

async function isDead(record: SlotRecord, clock: Clock): Promise<boolean> {
  await using held = await tryProcessLock(stateLockName(record.stateDir));
  return held !== undefined && (await processesWithEnvironment(processMark(record.id), clock)).length === 0;
}

async function writeConfig(settings: NodeSettings): Promise<void> {
  for (const [file, text] of Object.entries(nodeConfigFiles(settings))) {
    await mkdir(dirname(configPath(settings, file)), { recursive: true });
    await writeFile(configPath(settings, file), text, { mode: 0o600 });
  }
}

async function loadNodeImages(input: {
  readonly request: StartRequest;
  readonly settings: NodeSettings;
  readonly containerd: ContainerdClient;
  readonly busybox: string;
}): Promise<void> {
  const { request, settings, containerd } = input;
  const archives = await makeNodeImages({ stateDir: settings.stateDir, busybox: input.busybox, coredns: join(settings.binariesFolder, "coredns") });
  await waitFor(
    "the start of containerd",
    async () => {
      await requireComponent(settings.stateDir, "containerd");
      return (await containerdAnswers(containerd)) || undefined;
    },
    { clock: request.clock, deadlineMs: apiDeadlineMs, ...withSignal(request) },
  );
  await importMissing(containerd, archives);
  for (const image of request.images ?? []) await importImages(containerd, image.path); // may be newer than what an adopted node has
}

interface ApiStart {
  readonly context: NodeContext;
  readonly api: ApiAccess;
  readonly run: (...names: ComponentName[]) => Promise<unknown>;
  readonly step: (line: string) => void;
}

/** Waits for the API server. One that was there before and says nothing hangs, or its etcd does: they are started again. */
async function apiAnswers({ context, api, run, step }: ApiStart): Promise<void> {
  if (!context.continued) return apiReady(context, api, apiDeadlineMs);
  try {
    await apiReady(context, api, hangDeadlineMs);
  } catch (error) {
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    step("the API server does not answer; it and etcd are started again");
    for (const name of ["kube-apiserver", "etcd"] as const) await killComponent(componentCommand(name, context.settings), context);
    await run("etcd", "kube-apiserver");
    await apiReady(context, api, apiDeadlineMs);
  }
}

async function apiReady(context: NodeContext, api: ApiAccess, deadlineMs: number): Promise<void> {
  await waitFor(
    "the start of the API server",
    async () => {
      await Promise.all(["etcd", "kube-apiserver"].map((name) => requireComponent(context.settings.stateDir, name)));
      return (await api.get("/readyz"))?.status === 200 || undefined;
    },
    { clock: context.clock, deadlineMs, ...withSignal(context) },
  );
}

/** Ready means that pods can be made and names resolve: node Ready, the default ServiceAccount there, CoreDNS available. */
async function usable(context: NodeContext, api: ApiAccess, step: (line: string) => void): Promise<void> {
  const options = { clock: context.clock, deadlineMs: readyDeadlineMs, ...withSignal(context) };
  const alive = () =>
    Promise.all(
      ["kube-controller-manager", "kube-scheduler", "containerd", "kubelet", "kube-proxy", "node-agent"].map((name) =>
        requireComponent(context.settings.stateDir, name),
      ),
    );
  const conditionTrue = async (path: string, type: string) => {
    await alive();
    const answer = await api.get(path);
    if (answer?.status !== 200) return undefined;
    const object = JSON.parse(answer.body) as { status?: { conditions?: { type: string; status: string }[] } };
    return object.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") || undefined;
  };
  await waitFor("the node's Ready condition", () => conditionTrue(`/api/v1/nodes/${context.settings.nodeName}`, "Ready"), options);
  step("node is Ready");
  await waitFor(
    "the default ServiceAccount",
    async () => (await api.get("/api/v1/namespaces/default/serviceaccounts/default"))?.status === 200 || undefined,
    options,
  );
  await waitFor("the start of CoreDNS", () => conditionTrue(corednsDeploymentPath, "Available"), options);
  step("cluster is usable");
}

function progress(request: StartRequest): (line: string) => void {
  const startedMs = request.clock.monotonic();
  return (line) => request.onProgress?.(`${line} (after ${((request.clock.monotonic() - startedMs) / 1000).toFixed(1)} s)`);
}

function refuseUnusable(request: StartRequest): void {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(request.name)) {
    throw new PlatformError("TP_INVALID", {
      message: `${JSON.stringify(request.name)} cannot name a cluster: use lower-case letters, digits and "-", at most 63.`,
      causes: [{ field: "name", message: "must be a DNS label" }],
    });
  }
  if (process.platform !== "linux")
    throw new PlatformError("TP_TOOL_MISSING", { message: "A local Kubernetes runs on Linux only. Register a cluster by kubeconfig instead." });
  requireRoot();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function withSignal(from: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } {
  return from.signal === undefined ? {} : { signal: from.signal };
}
