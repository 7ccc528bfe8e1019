import { scoreSource } from "./manifests.ts";
import { addRuntime, change, deploy, inCluster, isGone, isReady, runs, target, type Scenario } from "./story.ts";
import type { World } from "../world.ts";

const webSpec = async (world: World): Promise<string> =>
  JSON.stringify((await inCluster(world, "one", { apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name: "web" }))?.spec ?? {});

export const twoWorkloads: Scenario = {
  name: "two-workloads",
  says: "a workload waits for another one that it calls, follows a variable of the environment, and the two are deleted with it",
  hasty: true,
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy who calls",
      act: (world) => deploy(world, "web", scoreSource("web", { image: "example.com/web:1", calls: "backend" })),
      reached: async (world) => JSON.stringify((await world.user.get(target("WorkloadInstance", "web"))) ?? {}).includes("backend"),
    },
    {
      says: "deploy who is called",
      act: (world) => deploy(world, "backend", scoreSource("backend", { image: "example.com/backend:1" })),
      reached: async (world) =>
        (await runs(world, "web", "example.com/web:1")) &&
        (await runs(world, "backend", "example.com/backend:1")) &&
        (await isReady(world, "WorkloadDefinition", "backend")),
    },
    {
      says: "change a variable",
      act: (world) => change(world, "Environment", "dev", (object) => void (object.spec["variables"] = { LEVEL: "debug" })),
      reached: async (world) =>
        (await webSpec(world)).includes('"debug"') &&
        (await isReady(world, "WorkloadInstance", "web")) &&
        (await isReady(world, "WorkloadInstance", "backend")),
    },
    {
      says: "delete the environment with all in it",
      act: ({ user }) => user.delete(target("Environment", "dev"), { propagationPolicy: "Foreground" }),
      reached: async (world) =>
        (await isGone(world, "Environment", "dev")) && (await isGone(world, "WorkloadInstance", "web")) && (await isGone(world, "WorkloadInstance", "backend")),
    },
  ],
};
