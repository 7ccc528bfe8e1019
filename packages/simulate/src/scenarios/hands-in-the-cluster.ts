import { application } from "./manifests.ts";
import { addRuntime, deploy, editInCluster, inCluster, runs, type Scenario } from "./story.ts";

const place = { namespace: "default-dev" };
const deployment = { apiVersion: "apps/v1", kind: "Deployment", ...place, name: "web" };
const service = { apiVersion: "v1", kind: "Service", ...place, name: "web" };
const settings = { apiVersion: "v1", kind: "ConfigMap", ...place, name: "web-settings" };

export const handsInTheCluster: Scenario = {
  name: "hands-in-the-cluster",
  says: "somebody deletes and edits objects in the cluster; they come back as they were declared (F13)",
  hasty: true,
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy",
      act: (world) => deploy(world, "web", { manifests: { objects: application("web", { image: "example.com/web:1" }) } }),
      reached: (world) => runs(world, "web", "example.com/web:1"),
    },
    {
      says: "delete the Service",
      act: async ({ simulation }) => simulation.clusters.get("one")?.objects.delete(service),
      reached: async (world) => (await inCluster(world, "one", service)) !== undefined && (await runs(world, "web", "example.com/web:1")),
    },
    {
      says: "edit settings and image",
      async act(world) {
        await editInCluster(world, "one", settings, (object) => void (object["data"] = { image: "other" }));
        await editInCluster(world, "one", deployment, (object) => {
          const template = object.spec["template"] as { spec: { containers: { image: string }[] } };
          for (const container of template.spec.containers) container.image = "example.com/other:1";
        });
      },
      reached: async (world) =>
        JSON.stringify(await inCluster(world, "one", deployment)).includes("example.com/web:1") &&
        JSON.stringify((await inCluster(world, "one", settings))?.["data"]).includes("example.com/web:1") &&
        (await runs(world, "web", "example.com/web:1")),
    },
  ],
};
