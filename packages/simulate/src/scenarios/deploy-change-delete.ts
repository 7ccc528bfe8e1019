import { application } from "./manifests.ts";
import { addRuntime, deploy, isEmptied, isGone, isReady, runs, setSource, target, type Scenario } from "./story.ts";

const source = (image: string, extra: boolean) => ({ manifests: { objects: application("web", { image, extra }) } });

export const deployChangeDelete: Scenario = {
  name: "deploy-change-delete",
  says: "manifests are deployed, changed with one object less, and deleted",
  hasty: true,
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy",
      act: (world) => deploy(world, "web", source("example.com/web:1", true)),
      reached: async (world) => (await runs(world, "web", "example.com/web:1")) && (await isReady(world, "WorkloadDefinition", "web")),
    },
    {
      says: "change",
      act: (world) => setSource(world, "web", source("example.com/web:2", false)),
      reached: (world) => runs(world, "web", "example.com/web:2"),
    },
    {
      says: "delete",
      async act({ user }) {
        await user.delete(target("WorkloadInstance", "web"));
        await user.delete(target("WorkloadDefinition", "web"));
      },
      reached: async (world) =>
        (await isGone(world, "WorkloadInstance", "web")) &&
        (await isGone(world, "WorkloadDefinition", "web")) &&
        (await isEmptied(world, "one", "default-dev")),
    },
  ],
};
