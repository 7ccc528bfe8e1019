// Volumes and load balancers of a real local cluster, as its workloads see them.
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { busyboxImage } from "./base-images.ts";
import { loadBalancerAddresses, networkPlan } from "./network-plan.ts";
import { killExactly } from "./process-table.ts";
import { findSlot, slotsFolderDefault } from "./slots.ts";
import { type LocalKubernetes, startLocalKubernetes } from "./start.ts";
import { livingProcess } from "./state-folder.ts";
import { stopLocalKubernetes } from "./stop.ts";
import { ensureSystemPackages } from "./system-packages.ts";
import { canStartNodes, nodeBinaries, seams } from "./testing/real-node.ts";
import { waitFor } from "./wait.ts";

const testMs = 240_000;
const stateMs = 60_000;
const image = "docker.io/library/busybox:local";

describe.skipIf(!canStartNodes)("a local cluster's volumes and load balancers", () => {
  let work: string;
  let stateDir: string;
  let volumesFolder: string;
  let client: KubeClient;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), "threeport-agent-"));
    stateDir = join(work, "state");
    volumesFolder = join(work, "volumes");
    await start();
  }, testMs);
  afterEach(async () => {
    await client[Symbol.asyncDispose]();
    await stopLocalKubernetes({ ...seams, stateDir });
    await rm(work, { recursive: true, force: true });
  }, testMs);

  async function start(): Promise<LocalKubernetes> {
    const { busybox } = await ensureSystemPackages(seams);
    const hello = await busyboxImage({ out: join(work, "busybox.tar"), busybox, exec: seams.exec });
    const cluster = await startLocalKubernetes({ ...seams, name: "agent", stateDir, volumesFolder, binaries: await nodeBinaries(), images: [hello] });
    client = createClient(parseKubeconfig(cluster.kubeconfig));
    return cluster;
  }
  const apply = async (...objects: object[]) => {
    for (const object of objects) await client.apply(object as KubeObject, { fieldManager: "test", force: true });
  };
  const becomes = <T>(what: string, look: () => Promise<T | undefined>) => waitFor(what, look, { clock: systemClock, deadlineMs: stateMs });
  const found = async (kind: string, name: string): Promise<StoredObject | undefined> =>
    client.get<StoredObject>({ apiVersion: "v1", kind, name, ...(kind === "PersistentVolume" ? {} : { namespace: "default" }) }).catch((error: unknown) => {
      if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
      return undefined;
    });
  const gone = (kind: string, name: string) => becomes(`the end of ${kind} ${name}`, async () => ((await found(kind, name)) === undefined ? true : undefined));
  const ready = (name: string) =>
    becomes(`pod ${name} to be ready`, async () => {
      const conditions = ((await found("Pod", name))?.["status"] as { conditions?: { type: string; status: string }[] } | undefined)?.conditions;
      return conditions?.some(({ type, status }) => type === "Ready" && status === "True") || undefined;
    });
  const events = async (name: string, reason: string) =>
    (
      await client.list<StoredObject & { reason: string; message: string; involvedObject: { name: string } }>({
        apiVersion: "v1",
        kind: "Event",
        namespace: "default",
      })
    ).items
      .filter((event) => event.involvedObject.name === name && event.reason === reason)
      .map(({ message }) => message);
  const addressOf = async (name: string) =>
    ((await found("Service", name))?.["status"] as { loadBalancer?: { ingress?: { ip: string }[] } } | undefined)?.loadBalancer?.ingress?.[0]?.ip;
  const page = async (address: string) => {
    try {
      return await (await fetch(`http://${address}/log`, { signal: AbortSignal.timeout(3_000) })).text();
    } catch {
      return undefined; // rules reach the node a moment after the address is told
    }
  };
  const answer = (address: string, expected: string) =>
    becomes(`${address} to say ${expected}`, async () => ((await page(address)) === expected ? true : undefined));

  test(
    "a StatefulSet's data survives its pod, the agent's death and a cluster made anew, and goes with its claim; its load balancer answers the host",
    async () => {
      await apply(...database);
      await ready("db-0");
      const address = await becomes("the address", () => addressOf("db"));
      const plan = networkPlan((await findSlot(slotsFolderDefault, stateDir))?.slot ?? -1);
      expect(loadBalancerAddresses(plan)).toContain(address);
      await answer(address, "start db-0\n");

      const { uid } = (await found("Pod", "db-0"))?.metadata ?? {};
      await client.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name: "db-0" });
      await becomes("another pod", async () => ((await found("Pod", "db-0"))?.metadata.uid !== uid ? true : undefined));
      await answer(address, "start db-0\nstart db-0\n");

      // The machine stops and everything but its disk is lost.
      await client[Symbol.asyncDispose]();
      await stopLocalKubernetes({ ...seams, stateDir });
      await start();
      await apply(...database);
      await answer(await becomes("the address", () => addressOf("db")), "start db-0\nstart db-0\nstart db-0\n");

      const agent = await livingProcess(stateDir, "node-agent");
      if (agent === undefined) throw new Error("the agent should run");
      await killExactly(agent, "SIGKILL");
      await start();
      const claim = await found("PersistentVolumeClaim", "data-db-0");
      await client.delete({ apiVersion: "apps/v1", kind: "StatefulSet", namespace: "default", name: "db" });
      await client.delete({ apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "default", name: "data-db-0" });
      await gone("PersistentVolume", `pvc-${claim?.metadata.uid}`);
      expect(await readdir(join(volumesFolder, "default"))).toEqual([]);
    },
    testMs,
  );

  test(
    "a claim for what a folder cannot be is told so; a volume that is kept stays on disk when it is deleted; addresses run out with a word, and come back",
    async () => {
      await apply(
        { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "many", namespace: "default" }, spec: claimSpec("ReadWriteMany") },
        pod("many", "many"),
      );
      expect(await becomes("the refusal", async () => (await events("many", "ProvisioningFailed"))[0])).toContain("ask for ReadWriteOnce");

      await apply(
        { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "keep" }, provisioner: "threeport.io/local", reclaimPolicy: "Retain", volumeBindingMode: "Immediate" },
        { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "kept", namespace: "default" }, spec: { ...claimSpec("ReadWriteOnce"), storageClassName: "keep" } },
      ); // prettier-ignore
      const uid = await becomes("the claim to be bound", async () => {
        const claim = await found("PersistentVolumeClaim", "kept");
        return (claim?.["status"] as { phase?: string } | undefined)?.phase === "Bound" ? claim?.metadata.uid : undefined;
      });
      await client.delete({ apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "default", name: "kept" });
      await gone("PersistentVolumeClaim", "kept");
      await client.delete({ apiVersion: "v1", kind: "PersistentVolume", name: `pvc-${uid}` });
      await gone("PersistentVolume", `pvc-${uid}`);
      await access(join(volumesFolder, "default", "kept"));

      const names = Array.from({ length: 128 }, (_, index) => `lb-${index}`);
      await apply(...names.map((name) => loadBalancer(name)));
      const without = await becomes("one without an address", async () => {
        const addresses = await Promise.all(names.map(async (name) => ({ name, address: await addressOf(name) })));
        const left = addresses.filter(({ address }) => address === undefined);
        return left.length === 1 ? left[0]?.name : undefined;
      });
      expect(await becomes("the event", async () => (await events(without, "NoLoadBalancerAddress"))[0])).toContain("all 127 addresses");
      await client.delete({ apiVersion: "v1", kind: "Service", namespace: "default", name: without === "lb-5" ? "lb-6" : "lb-5" });
      await becomes("the freed address", () => addressOf(without));
    },
    testMs,
  );
});

const claimSpec = (mode: string) => ({ accessModes: [mode], resources: { requests: { storage: "10Mi" } } });

const loadBalancer = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { type: "LoadBalancer", selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
});

const pod = (name: string, claimName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "main", image, command: ["sleep", "1000"], volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
  },
});

/** Not root, and in a group that owns its volume: what most databases are. */
const database = [
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "default" },
    spec: {
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          terminationGracePeriodSeconds: 0,
          securityContext: { runAsUser: 1234, fsGroup: 1234 },
          containers: [
            {
              name: "main",
              image,
              command: ["sh", "-c", "echo start $HOSTNAME >> /data/log; exec httpd -f -p 8080 -h /data"],
              volumeMounts: [{ name: "data", mountPath: "/data" }],
              readinessProbe: { httpGet: { path: "/log", port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claimSpec("ReadWriteOnce") }],
    },
  },
  loadBalancer("db"),
];
