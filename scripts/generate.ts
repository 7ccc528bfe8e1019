/**
 * Writes the files that are made from code, which are committed: `npm run generate`. With `--check` nothing is written; the names of
 * stale files are printed and the exit code is 1.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cliReference } from "./lib/generate/cli-reference.ts";
import { withGeneratedPart } from "./lib/generate/generated-part.ts";
import { repository } from "./lib/repository.ts";

const documents: readonly { readonly path: string; readonly content: () => string }[] = [{ path: "docs/cli.md", content: cliReference }];

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
for (const { path, content } of documents) {
  const file = join(repository, path);
  const current = await readFile(file, "utf8");
  const wanted = withGeneratedPart(current, content());
  if (current === wanted) continue;
  if (values.check) {
    process.stdout.write(`${path} is stale; run npm run generate\n`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    process.stdout.write(`${path} written\n`);
  }
}
