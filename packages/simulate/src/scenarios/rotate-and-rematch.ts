import type { KubeObject } from "@threeport/resource";
import { addRuntime, change, deploy, inCluster, isGone, isReady, ours, read, runs, type Scenario } from "./story.ts";
import type { World } from "../world.ts";

const source = {
  score: {
    document: {
      apiVersion: "score.dev/v1b1",
      metadata: { name: "web" },
      containers: { main: { image: "example.com/web:1", variables: { DB: "${resources.db.password}@${resources.db.host}" } } },
      resources: { db: { type: "postgres" } },
    },
  },
};
/** Something of its own in the cluster, and on the server that the other one requires too. */
const other = {
  type: "postgres",
  generated: { password: "password(24)" },
  requires: { instance: { type: "postgres-instance", id: "shared" } },
  provisioner: {
    manifests: { objects: [{ apiVersion: "v1", kind: "Secret", metadata: { name: "${name}-other" }, stringData: { a: "${generated.password}" } }] },
  },
  outputs: { host: { value: "other.example.com" }, password: { value: "${generated.password}", secret: true } },
};
const dependency = "dev.postgres.web.db";
const job = (name: string) => ({ apiVersion: "batch/v1", kind: "Job", namespace: "default-dev", name });

/** What is asked for more than once while it is under way, and what must go before something else is made. */
export const rotateAndRematch: Scenario = {
  name: "rotate-and-rematch",
  says: "a database gets a new password, then another profile, and what that does not need goes",
  prepare: async (world) => {
    await addRuntime(world, "one");
    await world.user.create(ours("DependencyProfile", "other", { ...other, match: { environments: ["dev"] }, priority: -200 }) as KubeObject);
  },
  steps: [
    {
      says: "deploy with a database",
      act: (world) => deploy(world, "web", source),
      reached: async (world) => (await runs(world, "web", "example.com/web:1")) && (await isReady(world, "Dependency", dependency)),
    },
    {
      says: "make its password anew, twice",
      act: async (world) => {
        for (const password of [1, 2]) await change(world, "Dependency", dependency, (object) => void (object.spec["rotations"] = { password }));
      },
      reached: async (world) =>
        (await inCluster(world, "one", job("web-db-postgres-make-2"))) !== undefined &&
        (await lacks(world, ["web-db-postgres-make", "web-db-postgres-make-1"])) &&
        (await isReady(world, "Dependency", dependency)) &&
        (await isReady(world, "WorkloadInstance", "web")),
    },
    {
      says: "choose the other profile",
      act: (world) => change(world, "Dependency", dependency, (object) => void (object.spec["rematchTo"] = "other")),
      reached: async (world) =>
        (await read(world, "Dependency", dependency))?.spec["profile"] === "other" &&
        (await isReady(world, "Dependency", dependency)) &&
        (await lacks(world, ["web-db-postgres-make-2"])) &&
        (await isReady(world, "Dependency", "dev.postgres-instance.shared")) &&
        JSON.stringify(await inCluster(world, "one", { apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name: "web" })).includes(
          "other.example.com",
        ) &&
        (await isReady(world, "WorkloadInstance", "web")),
    },
    {
      says: "do without it",
      act: ({ user }) => user.delete({ apiVersion: "threeport.io/v1alpha1", kind: "WorkloadInstance", namespace: "default", name: "web" }),
      reached: async (world) => (await isGone(world, "WorkloadInstance", "web")) && (await isGone(world, "Dependency", dependency)),
    },
  ],
};

async function lacks(world: World, jobs: readonly string[]): Promise<boolean> {
  const found = await Promise.all(jobs.map((name) => inCluster(world, "one", job(name))));
  return found.every((each) => each === undefined);
}
