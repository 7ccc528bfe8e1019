import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { deepEqual, formatApiVersion, isErrorCode, PlatformError, toPlatformError, type JsonObject, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { fullName } from "../objects/find-resource.ts";
import { readOne } from "../objects/selection.ts";
import { plainText } from "../output/terminal.ts";
import { yamlText } from "../output/yaml.ts";

/** Where nothing else is named; as kubectl. */
const editorDefault = "vi";

const head = `# Change what is below, save, and leave the editor. Lines that begin with # are left out.
# An unchanged or empty file changes nothing.
#
`;

/** Opens an object in the user's editor and writes what changed. What is refused comes back with the reason above it, and nothing is lost. */
export async function edit(this: CliContext, flags: { readonly namespace?: string }, ...args: string[]): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const { resource, name } = readOne(await client.discover({ signal }), args);
  const target = {
    apiVersion: formatApiVersion(resource.group, resource.version),
    kind: resource.kind,
    name,
    ...(resource.namespaced ? { namespace: flags.namespace ?? defaultProject } : {}),
  };
  const folder = await mkdtemp(join(tmpdir(), "tptctl-edit-"));
  const file = join(folder, `${name.replaceAll(/[^\w.-]/g, "_")}.yaml`);
  let kept = false;
  let text = "";
  let refused: PlatformError | undefined;
  try {
    let current = await client.get<StoredObject>(target, { signal });
    text = head + yamlText(editable(current));
    for (;;) {
      await writeFile(file, text, { mode: 0o600 });
      await openEditor(this, file);
      const edited = await readFile(file, "utf8");
      if (withoutComments(edited).trim() === "") return say(this, `${fullName(resource, name)} unchanged: the file was empty`);
      if (refused !== undefined && isLeftAlone(refused, text, edited)) throw refused;
      try {
        const wanted = parse(edited, file);
        if (deepEqual(wanted, editable(current))) return say(this, `${fullName(resource, name)} unchanged`);
        const { resourceVersion } = current.metadata;
        await client.update(target, { ...wanted, metadata: { ...(wanted["metadata"] as object), resourceVersion } } as never, { signal });
        return say(this, `${fullName(resource, name)} edited`);
      } catch (thrown) {
        signal.throwIfAborted();
        refused = toPlatformError(thrown);
        if (isErrorCode(refused, "TP_VERSION_CONFLICT")) current = await client.get<StoredObject>(target, { signal });
        text = reasonsOf(refused) + withoutComments(edited);
      }
    }
  } catch (error) {
    // Nothing that was written is lost, whatever ended it.
    const written = await readFile(file, "utf8").catch(() => text);
    if (refused === undefined && written === text) throw error;
    kept = true;
    const { code, message, causes, detail } = toPlatformError(error);
    throw new PlatformError(code, { message, causes, detail: { ...detail, hint: `nothing was changed; your text is in ${file}` }, cause: error });
  } finally {
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
}

/** After a refusal: the user gives up. Over somebody else's change goes only what was saved for that. */
function isLeftAlone(refused: PlatformError, text: string, edited: string): boolean {
  return isErrorCode(refused, "TP_VERSION_CONFLICT") ? edited === text : withoutComments(edited) === withoutComments(text);
}

/** What the server decides is not shown: nobody could change it. */
function editable({ metadata, ...object }: StoredObject): JsonObject {
  const {
    managedFields: _m,
    uid: _u,
    resourceVersion: _r,
    generation: _g,
    creationTimestamp: _c,
    selfLink: _s,
    ...rest
  } = metadata as StoredObject["metadata"] & { selfLink?: string };
  const { status: _, ...shown } = object as Record<string, unknown>;
  const { apiVersion, kind, ...fields } = shown;
  return { apiVersion, kind, metadata: rest, ...fields } as unknown as JsonObject;
}

function parse(text: string, file: string): JsonObject {
  const { documents } = loadYamlDocuments(Buffer.from(text), { file });
  const [only] = documents;
  if (only === undefined || documents.length > 1) throw new PlatformError("TP_INVALID", { message: "write one document: the object" });
  return only.value;
}

function reasonsOf(error: PlatformError): string {
  const conflict = isErrorCode(error, "TP_VERSION_CONFLICT");
  const lines = [
    ...(conflict ? ["somebody else changed the object meanwhile: remove this line and save, and your text replaces theirs"] : error.message.split("\n")),
    ...error.causes.map(({ field, message }) => (field === undefined ? message : `${field}: ${message}`)),
    "Correct it and save, or leave without a change to give up.",
  ];
  return `${lines.map((line) => `# ${plainText(line)}`).join("\n")}\n#\n`;
}

function withoutComments(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n");
}

/** The editor has the terminal for as long as it runs. Its name may have arguments. */
async function openEditor({ environment }: CliContext, file: string): Promise<void> {
  const editor =
    [environment["THREEPORT_EDITOR"], environment["KUBE_EDITOR"], environment["VISUAL"], environment["EDITOR"]].find(
      (each) => each !== undefined && each !== "",
    ) ?? editorDefault;
  const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "editor", file], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0)
    throw new PlatformError("TP_USAGE", {
      message: `the editor ${editor} ended with ${code ?? "a signal"}`,
      detail: { hint: "set EDITOR to the program to edit with" },
    });
}
