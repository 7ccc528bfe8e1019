import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { ErrorCause } from "@threeport/resource";
import type { ScoreDocument } from "@threeport/score";

/** What one object of a cluster may hold. */
const bytesMax = 1024 * 1024;

type File = NonNullable<ScoreDocument["containers"][string]["files"]>[string];

/** Puts the content of files that stand beside a Score file in place of their paths, which start in its folder. */
export async function inlineFiles(
  document: ScoreDocument,
  file: string,
): Promise<{ readonly document: ScoreDocument } | { readonly causes: readonly ErrorCause[] }> {
  const folder = file.startsWith("<") ? process.cwd() : dirname(file);
  const causes: ErrorCause[] = [];
  const containers: ScoreDocument["containers"] = {};
  for (const [name, container] of Object.entries(document.containers)) {
    const files: Record<string, File> = {};
    for (const [target, file] of Object.entries(container.files ?? {})) {
      const read = await inlined(file, folder);
      if (typeof read === "string")
        causes.push({
          field: `containers.${name}.files[${target}].source`,
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(file.source)}: ${read}`,
        });
      else files[target] = read;
    }
    containers[name] = container.files === undefined ? container : { ...container, files };
  }
  return causes.length > 0 ? { causes } : { document: { ...document, containers } };
}

/** The file with its content, or why it cannot be read. */
async function inlined(file: File, folder: string): Promise<File | string> {
  const { source, ...rest } = file;
  if (source === undefined) return file;
  const path = resolve(folder, source);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? "there is no such file" : `it cannot be read (${error.code ?? error.message})`,
  );
  if (typeof found === "string") return `${found}; the path starts in the folder of the Score file, here ${path}`;
  if (!found.isFile()) return "it is not a file; name files one by one";
  if (found.size > bytesMax) return `it has ${found.size} bytes, and a cluster keeps at most ${bytesMax}; put it into the image, or into a volume`;
  const bytes = await readFile(path);
  if (isUtf8(bytes)) return { ...rest, content: bytes.toString("utf8") };
  if (rest.noExpand === true) {
    const { noExpand: _, ...others } = rest;
    return { ...others, binaryContent: bytes.toString("base64") };
  }
  return "it is not text in UTF-8, so it has no placeholders: add noExpand: true";
}
