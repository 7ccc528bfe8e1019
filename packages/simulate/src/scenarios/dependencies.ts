import { addRuntime, deploy, isEmptied, isGone, isReady, runs, setSource, target, type Scenario } from "./story.ts";

const cache = { type: "redis", id: "common" };
const source = (name: string, resources: Readonly<Record<string, object>>): object => ({
  score: {
    document: {
      apiVersion: "score.dev/v1b1",
      metadata: { name },
      containers: {
        main: {
          image: `example.com/${name}:1`,
          variables: Object.fromEntries(
            Object.keys(resources).map((each) => [each.toUpperCase(), `\${resources.${each}.password}@\${resources.${each}.host}`]),
          ),
        },
      },
      resources,
    },
  },
});

/** postgres-v1 makes its database on the server that all of the environment share, which stays ten minutes longer. */
export const dependencies: Scenario = {
  name: "dependencies",
  says: "a workload gets a database and a cache, another shares the cache, the database leaves the file, and the environment goes with all of it",
  hasty: true,
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy with a database and a cache",
      act: (world) => deploy(world, "web", source("web", { cache, db: { type: "postgres" } })),
      reached: async (world) => (await runs(world, "web", "example.com/web:1")) && (await isReady(world, "Dependency", "dev.postgres-instance.shared")),
    },
    {
      says: "share the cache",
      act: (world) => deploy(world, "worker", source("worker", { cache })),
      reached: async (world) => (await runs(world, "worker", "example.com/worker:1")) && (await isReady(world, "WorkloadDefinition", "web")),
    },
    {
      says: "do without the database",
      act: (world) => setSource(world, "web", source("web", { cache })),
      reached: async (world) =>
        (await isGone(world, "Dependency", "dev.postgres.web.db")) &&
        (await isGone(world, "DependencyClaim", "web.db")) &&
        (await runs(world, "web", "example.com/web:1")) &&
        (await isReady(world, "WorkloadDefinition", "web")),
    },
    {
      says: "delete the environment with all in it",
      act: ({ user }) => user.delete(target("Environment", "dev"), { propagationPolicy: "Foreground" }),
      reached: async (world) =>
        (await isGone(world, "Environment", "dev")) &&
        (await isGone(world, "Dependency", "dev.redis.common")) &&
        (await isGone(world, "Dependency", "dev.postgres-instance.shared")) &&
        (await isEmptied(world, "one", "default-dev")),
    },
  ],
};
