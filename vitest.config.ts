import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/**/*.test.ts", "scripts/**/*.test.ts"],
    globalSetup: ["packages/store/src/testing/global-setup.ts"],
    pool: "threads",
    maxWorkers: 2, // tests start processes of their own; more at once and their deadlines measure the machine
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
