/**
 * Writes the files that are made from code, which are committed: `npm run generate`. With `--check` nothing is written; the names of
 * stale files are printed and the exit code is 1.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cliReference } from "./lib/generate/cli-reference.ts";
import { completeLock } from "./lib/generate/complete-lock.ts";
import { withGeneratedPart } from "./lib/generate/generated-part.ts";
import { repository } from "./lib/repository.ts";

/** What a file should hold, made from what it holds. */
const files: readonly { readonly path: string; readonly make: (current: string) => string }[] = [
  { path: "docs/cli.md", make: (current) => withGeneratedPart(current, cliReference()) },
  { path: "package-lock.json", make: completeLock },
];

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const { path, make } of files) {
  const file = join(repository, path);
  const current = await readFile(file, "utf8");
  const wanted = make(current);
  if (current === wanted) continue;
  if (values.check) {
    process.stdout.write(`${path} is stale; run npm run generate\n`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    process.stdout.write(`${path} written\n`);
  }
}
