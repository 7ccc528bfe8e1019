import { scoreSource } from "./manifests.ts";
import { addRuntime, change, deploy, runs, setSource, type Scenario } from "./story.ts";

const pin =
  (release: string): Scenario["steps"][number]["act"] =>
  (world) =>
    change(world, "WorkloadInstance", "web", (object) => void (object.spec["release"] = release));

export const rollback: Scenario = {
  name: "rollback",
  says: "a Score workload gets a new release, is held at the old one, and follows the newest again",
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy",
      act: (world) => deploy(world, "web", scoreSource("web", { image: "example.com/web:1" })),
      reached: (world) => runs(world, "web", "example.com/web:1"),
    },
    {
      says: "release",
      act: (world) => setSource(world, "web", scoreSource("web", { image: "example.com/web:2" })),
      reached: (world) => runs(world, "web", "example.com/web:2"),
    },
    { says: "roll back", act: pin("web-1"), reached: (world) => runs(world, "web", "example.com/web:1") },
    { says: "follow again", act: pin("latest"), reached: (world) => runs(world, "web", "example.com/web:2") },
  ],
};
