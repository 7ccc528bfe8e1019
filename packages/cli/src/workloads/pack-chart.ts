import { readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { PlatformError } from "@threeport/resource";
import ignore, { type Ignore } from "ignore";
import { create } from "tar";

/** Files of a chart; those that people write have some dozens. */
const filesMax = 2_000;
/** https://helm.sh/docs/chart_template_guide/helm_ignore_file/ */
const ignoreFile = ".helmignore";

/**
 * A chart's folder as `helm package` would pack it: without what its .helmignore names, the same bytes for the same files.
 * @throws PlatformError TP_TOO_LARGE; TP_USAGE for links, which lead out of it
 */
export async function packChart(folder: string): Promise<Buffer> {
  const rules = ignore().add(await readFile(join(folder, ignoreFile), "utf8").catch(() => ""));
  const files = await filesIn(folder, "", rules);
  const root = resolve(folder);
  const pieces: Buffer[] = [];
  const options = { gzip: true, portable: true, mtime: new Date(0), cwd: join(root, ".."), noDirRecurse: true };
  for await (const piece of create(
    options,
    files.map((file) => `${basename(root)}/${file}`),
  ) as AsyncIterable<Buffer>)
    pieces.push(piece);
  return Buffer.concat(pieces);
}

async function filesIn(folder: string, below: string, rules: Ignore): Promise<string[]> {
  const entries = (await readdir(join(folder, below), { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.name === ".git" || rules.ignores(entry.isDirectory() ? `${path}/` : path)) continue;
    if (entry.isDirectory()) files.push(...(await filesIn(folder, path, rules)));
    else if (entry.isFile()) files.push(path);
    else
      throw new PlatformError("TP_USAGE", {
        message: `${join(folder, path)} is no file: a chart is packed of files and folders`,
        detail: { hint: `put the file itself there in place of a link to it, or name it in ${ignoreFile}` },
      });
    if (files.length > filesMax)
      throw new PlatformError("TP_TOO_LARGE", {
        message: `the chart in ${folder} has more than ${filesMax} files`,
        detail: { hint: `name in ${ignoreFile} what does not belong to it` },
      });
  }
  return files;
}
