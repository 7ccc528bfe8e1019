import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "./repository.ts";

/** Test files as paths relative to the repository, sorted. */
export interface TestFiles {
  readonly unit: readonly string[];
  /** Start real clusters and control planes, so they run one after another. */
  readonly endToEnd: readonly string[];
}

const patterns = ["packages/**/*.test.ts", "scripts/**/*.test.ts"];

/** All test files, or those whose path contains one of `filters`. */
export async function findTestFiles(filters: readonly string[]): Promise<TestFiles> {
  const found: string[] = [];
  for await (const path of glob(patterns, { cwd: repository, exclude: (name) => name === "node_modules" })) found.push(path);
  return chooseTestFiles(found, filters);
}

export function chooseTestFiles(paths: readonly string[], filters: readonly string[]): TestFiles {
  const wanted = filters.map((filter) => filter.replace(/^\.\//, ""));
  const chosen = paths.filter((path) => wanted.length === 0 || wanted.some((filter) => path.includes(filter))).sort();
  return {
    unit: chosen.filter((path) => !isEndToEnd(path)),
    endToEnd: chosen.filter(isEndToEnd),
  };
}

function isEndToEnd(path: string): boolean {
  return path.endsWith(".e2e.test.ts");
}

/** Those that start programs which have to be had first: the end-to-end tests, and whoever names `describeWithKubernetes` or `describeWithHelm`. */
export async function thatNeedKubernetes({ unit, endToEnd }: TestFiles): Promise<ReadonlySet<string>> {
  const texts = await Promise.all(unit.map((path) => readFile(join(repository, path), "utf8")));
  return new Set([...endToEnd, ...unit.filter((_, index) => /describeWith(?:Kubernetes|Helm)\(/.test(texts[index] ?? ""))]);
}
