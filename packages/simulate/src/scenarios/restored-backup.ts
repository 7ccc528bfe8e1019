import type { SavedStore } from "@threeport/store";
import { application } from "./manifests.ts";
import { addRuntime, deploy, inCluster, runs, setSource, type Scenario } from "./story.ts";

const source = (name: string, image: string) => ({ manifests: { objects: application(name, { image }) } });
const newer = { apiVersion: "apps/v1", kind: "Deployment", namespace: "newer", name: "newer" };

/** A story of its own for each telling: the backup is its memory. */
export function restoredBackup(): Scenario {
  let backup: SavedStore | undefined;
  return {
    name: "restored-backup",
    says: "a backup from before a change and a newer workload is restored: the old state is back, and nothing newer is deleted (F5)",
    prepare: (world) => addRuntime(world, "one"),
    steps: [
      { says: "deploy", act: (world) => deploy(world, "web", source("web", "example.com/web:1")), reached: (world) => runs(world, "web", "example.com/web:1") },
      {
        says: "back up, change and deploy another one",
        async act(world) {
          backup = world.store.save();
          await setSource(world, "web", source("web", "example.com/web:2"));
          await deploy(world, "newer", source("newer", "example.com/newer:1"), { targetNamespace: "newer" });
        },
        reached: async (world) => (await runs(world, "web", "example.com/web:2")) && (await runs(world, "newer", "example.com/newer:1", "newer")),
      },
      {
        says: "restore",
        async act(world) {
          if (backup !== undefined) await world.restore(backup);
        },
        reached: async (world) => (await runs(world, "web", "example.com/web:1")) && (await inCluster(world, "one", newer)) !== undefined,
      },
      {
        says: "deploy the newer one again",
        act: (world) => deploy(world, "newer", source("newer", "example.com/newer:1"), { targetNamespace: "newer" }),
        reached: async (world) => (await runs(world, "newer", "example.com/newer:1", "newer")) && (await inCluster(world, "one", newer)) !== undefined,
      },
    ],
  };
}
