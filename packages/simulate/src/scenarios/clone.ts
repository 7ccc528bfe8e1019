import { addRuntime, change, deploy, isEmptied, isGone, isReady, ours, read, runs, setSource, type Scenario } from "./story.ts";

const source = (image: string): object => ({
  score: {
    document: {
      apiVersion: "score.dev/v1b1",
      metadata: { name: "web" },
      containers: { main: { image, variables: { PASSWORD: "${resources.cache.password}" } } },
      resources: { cache: { type: "redis" } },
    },
  },
});

/** `web` of `dev` has the name of its definition; its copy in `pr` is `web-pr`. */
export const clone: Scenario = {
  name: "clone",
  says: "an environment is cloned with what runs there, the other one changes, and the clone ends itself when its time is over",
  prepare: (world) => addRuntime(world, "one"),
  steps: [
    {
      says: "deploy",
      act: (world) => deploy(world, "web", source("example.com/web:1"), { replicas: 2 }),
      reached: (world) => runs(world, "web", "example.com/web:1"),
    },
    {
      says: "clone",
      act: async ({ user }) => void (await user.create(ours("Environment", "pr", { cloneOf: { environment: "dev" }, project: "default" }))),
      reached: async (world) =>
        (await isReady(world, "Environment", "pr")) &&
        (await isReady(world, "WorkloadInstance", "web-pr")) &&
        (await isReady(world, "Dependency", "pr.redis.web.cache")),
    },
    {
      says: "change the other one",
      async act(world) {
        await change(world, "Environment", "dev", (object) => void (object.spec["variables"] = { LEVEL: "other" }));
        await setSource(world, "web", source("example.com/web:2"));
      },
      reached: async (world) =>
        (await runs(world, "web", "example.com/web:2")) &&
        (await isReady(world, "Environment", "pr")) &&
        (await isReady(world, "WorkloadInstance", "web-pr")) &&
        JSON.stringify((await read(world, "Environment", "pr"))?.spec["variables"]) === '{"LEVEL":"info"}',
    },
    {
      says: "let it end",
      act: (world) => change(world, "Environment", "pr", (object) => void (object.spec["ttl"] = "1m")),
      reached: async (world) =>
        (await isGone(world, "Environment", "pr")) &&
        (await isGone(world, "WorkloadInstance", "web-pr")) &&
        (await isGone(world, "Dependency", "pr.redis.web.cache")) &&
        (await isEmptied(world, "one", "default-pr")) &&
        (await runs(world, "web", "example.com/web:2")),
    },
  ],
};
