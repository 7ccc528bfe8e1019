/**
 * Score files of other projects, each checked and rendered, and compared with what packages/score/corpus/sources.json expects of it.
 *
 *   npm run corpus:score -- --folder FOLDER [--download]
 *
 * The texts belong to those projects, so they are not kept here: FOLDER has them at their repository and path, such as
 * FOLDER/owner/name/score.yaml, and `--download` fetches those that are not there. The exit code is 1 when one differs from what is expected, and
 * when one is missing.
 */
import { parseArgs } from "node:util";
import { differenceFrom, judge } from "./lib/score-corpus/judge.ts";
import { findText, readSources } from "./lib/score-corpus/sources.ts";

const { values } = parseArgs({ options: { folder: { type: "string" }, download: { type: "boolean", default: false } } });
const { folder, download } = values;
if (folder === undefined) {
  process.stderr.write("name the folder with the files: npm run corpus:score -- --folder FOLDER [--download]\n");
  process.exit(2);
}

const rows: (readonly [file: string, verdict: string, message: string])[] = [];
const counts = { valid: 0, refused: 0, differs: 0, missing: 0 };
for (const source of await readSources()) {
  const file = `${source.repo}/${source.path}`;
  const found = await findText(source, { folder, download });
  if ("missing" in found) {
    counts.missing++;
    rows.push([file, "MISSING", found.missing]);
    continue;
  }
  const judged = judge(found.bytes, file);
  const difference = differenceFrom(source, judged);
  counts[difference === undefined ? judged.verdict : "differs"]++;
  rows.push([file, difference === undefined ? judged.verdict : "DIFFERS", difference ?? judged.message]);
}

const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
for (const [file, verdict, message] of rows)
  process.stdout.write(`${file.padEnd(widths[0] ?? 0)}   ${verdict.padEnd(widths[1] ?? 0)}   ${message}`.trimEnd().concat("\n"));
process.stdout.write(
  `\n${rows.length} files: ${counts.valid} valid, ${counts.refused} refused as expected, ${counts.differs} other than expected, ${counts.missing} missing\n`,
);
if (counts.differs > 0 || counts.missing > 0) process.exitCode = 1;
