import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** The folder of `--out`, which a script needs. Anything else ends the process with how it is called. */
export function outFolder(command: string): string {
  try {
    const { out } = parseArgs({ options: { out: { type: "string" } } }).values;
    if (out !== undefined && out !== "") return resolve(out);
  } catch {
    // told below: there is one option only
  }
  process.stderr.write(`error: say where to: npm run ${command} -- --out FOLDER\n`);
  return process.exit(2);
}
