import { application } from "./manifests.ts";
import { addRuntime, deploy, isEmptied, isGone, read, runs, setSource, target, type Scenario } from "./story.ts";
import type { World } from "../world.ts";

const source = (image: string) => ({ manifests: { objects: application("web", { image }) } });
const lose = (world: World): void => void world.simulation.faults.add({ kind: "refuse", cluster: "one" });
const isLost = async (world: World): Promise<boolean> =>
  JSON.stringify((await read(world, "KubernetesRuntimeInstance", "one"))?.status ?? {}).includes('"Unreachable"');

export const runtimeLost: Scenario = {
  name: "runtime-lost",
  says: "a cluster is out of reach while a workload changes, and again while it is deleted; each time it comes back (F6)",
  hasty: true,
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    { says: "deploy", act: (world) => deploy(world, "web", source("example.com/web:1")), reached: (world) => runs(world, "web", "example.com/web:1") },
    {
      says: "lose the cluster and change",
      troubled: true,
      async act(world) {
        lose(world);
        await setSource(world, "web", source("example.com/web:2"));
      },
      reached: isLost,
    },
    { says: "back", act: async (world) => world.simulation.faults.clear(), reached: (world) => runs(world, "web", "example.com/web:2") },
    {
      says: "lose it again and delete",
      troubled: true,
      async act(world) {
        lose(world);
        await world.user.delete(target("WorkloadInstance", "web"));
        await world.user.delete(target("WorkloadDefinition", "web"));
      },
      reached: isLost,
    },
    {
      says: "back again",
      act: async (world) => world.simulation.faults.clear(),
      reached: async (world) =>
        (await isGone(world, "WorkloadInstance", "web")) &&
        (await isGone(world, "WorkloadDefinition", "web")) &&
        (await isEmptied(world, "one", "default-dev")),
    },
  ],
};
