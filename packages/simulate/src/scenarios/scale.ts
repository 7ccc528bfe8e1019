import { scoreSource } from "./manifests.ts";
import { addRuntime, change, deploy, inCluster, isReady, read, runs, setSource, type Scenario } from "./story.ts";
import type { World } from "../world.ts";

const set =
  (field: string, value: unknown): Scenario["steps"][number]["act"] =>
  (world) =>
    change(world, "WorkloadInstance", "web", (object) => void (object.spec[field] = value));

const asked = async (world: World): Promise<unknown> =>
  (await inCluster(world, "one", { apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name: "web" }))?.spec["replicas"];

export const scale: Scenario = {
  name: "scale",
  says: "replicas are changed, a pause holds a release back, going on brings it, and new pods are asked for",
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy",
      act: (world) => deploy(world, "web", scoreSource("web", { image: "example.com/web:1" })),
      reached: (world) => runs(world, "web", "example.com/web:1"),
    },
    { says: "scale up", act: set("replicas", 4), reached: async (world) => (await asked(world)) === 4 && (await isReady(world, "WorkloadInstance", "web")) },
    {
      says: "pause and release",
      async act(world) {
        await set("paused", true)(world);
        await setSource(world, "web", scoreSource("web", { image: "example.com/web:2" }));
      },
      reached: async (world) =>
        (await read(world, "WorkloadDefinition", "web"))?.status?.["latestRelease"] === "web-2" &&
        (await read(world, "WorkloadInstance", "web"))?.status?.["release"] === "web-1",
    },
    { says: "go on", act: set("paused", false), reached: (world) => runs(world, "web", "example.com/web:2") },
    {
      says: "new pods",
      act: set("restartedAt", "2026-01-02T03:04:05Z"),
      reached: async (world) =>
        (await isReady(world, "WorkloadInstance", "web")) &&
        JSON.stringify(await inCluster(world, "one", { apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name: "web" })).includes(
          "2026-01-02",
        ),
    },
    {
      says: "scale to none",
      act: set("replicas", 0),
      reached: async (world) => (await asked(world)) === 0 && (await isReady(world, "WorkloadInstance", "web")),
    },
  ],
};
