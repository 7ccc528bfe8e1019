import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { PlatformError } from "@threeport/resource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadManifests } from "./load-manifests.ts";
import { locateCauses, originInDocument, originInWorkload } from "./locate-causes.ts";
import { readSources } from "./read-sources.ts";
import { workloadName } from "./workload-name.ts";

const two = `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
spec:
  template:
    spec:
      containers:
        - name: web
          image: [wrong]
`;

function source(file: string, text: string): { file: string; bytes: Uint8Array } {
  return { file, bytes: Buffer.from(text) };
}

describe("fields are mapped back to where the user wrote them", () => {
  const { manifests } = loadManifests([source("a.yaml", two), source("b.yaml", "\n\nkind: Service\nmetadata: {}\n")]);
  const located = (field: string, message = "wrong") => {
    const error = locateCauses(new PlatformError("TP_INVALID", { causes: [{ field, message }] }), originInWorkload(manifests)) as PlatformError;
    return error.causes[0];
  };

  test.each([
    ["spec.source.manifests.objects[1].spec.template.spec.containers[0].image", "a.yaml:17:11 spec.template.spec.containers[0].image"],
    ["spec.source.manifests.objects[1].metadata.labels[app.kubernetes.io/name]", "a.yaml:11:5 metadata.labels[app.kubernetes.io/name]"],
    ["spec.source.manifests.objects[0]", "a.yaml:1:1"],
    ["spec.source.manifests.objects[2].metadata.name", "b.yaml:4:1 metadata.name"],
  ])("%s is %s", (field, place) => {
    expect(located(field)?.field).toBe(place);
  });

  test("fields of something else, and documents that are not there, stay as the server says them", () => {
    for (const field of ["metadata.name", "spec.source.manifests.objects[7].kind", "spec.source.manifests.objects"]) expect(located(field)?.field).toBe(field);
  });

  test("a message that names another document names its place too", () => {
    expect(located("spec.source.manifests.objects[2]", "the same object stands at spec.source.manifests.objects[0]")?.message).toBe(
      "the same object stands at a.yaml:1:1",
    );
  });

  test("an object that was sent as it stands in the file needs no prefix", () => {
    const [first] = manifests;
    if (first === undefined) throw new Error("no manifest");
    const error = locateCauses(
      new PlatformError("TP_INVALID", { causes: [{ field: "metadata.name", message: "taken" }] }),
      originInDocument(first),
    ) as PlatformError;
    expect(error.causes[0]?.field).toBe("a.yaml:4:3 metadata.name");
  });

  test("other errors pass as they are", () => {
    const error = new Error("x");
    expect(locateCauses(error, originInWorkload(manifests))).toBe(error);
  });
});

describe("files", () => {
  let folder: string;
  const nothing = Readable.from([]) as AsyncIterable<Uint8Array>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tptctl-manifests-"));
    await mkdir(join(folder, "app", "deeper"), { recursive: true });
    await writeFile(join(folder, "app", "b.yaml"), two);
    await writeFile(join(folder, "app", "a.yml"), "kind: A\n");
    await writeFile(join(folder, "app", "notes.txt"), "no manifest");
    await writeFile(join(folder, "app", "deeper", "c.yaml"), "kind: C\n");
    await mkdir(join(folder, "empty"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("a folder gives its manifests by name, and neither other files nor folders in it", async () => {
    const files = (await readSources([join(folder, "app")], nothing)).map(({ file }) => file);
    expect(files).toEqual([join(folder, "app", "a.yml"), join(folder, "app", "b.yaml")]);
  });

  test("- is standard input, once", async () => {
    const stdin = (async function* () {
      yield Buffer.from("kind: X\n");
    })();
    expect((await readSources(["-"], stdin)).map(({ file }) => file)).toEqual(["<stdin>"]);
    await expect(readSources(["-", "-"], nothing)).rejects.toThrow(/once/);
  });

  test("what is not there, or holds nothing, is named", async () => {
    await expect(readSources([join(folder, "nowhere.yaml")], nothing)).rejects.toMatchObject({
      code: "TP_NOT_FOUND",
      message: expect.stringContaining("nowhere.yaml") as string,
    });
    await expect(readSources([join(folder, "empty")], nothing)).rejects.toThrow(/has no YAML or JSON files/);
    expect(() => loadManifests([source("x.yaml", "---\n---\n")])).toThrow(/no documents in x.yaml/);
  });

  test("endless input is refused instead of kept", async () => {
    const endless = (async function* () {
      for (;;) yield Buffer.alloc(1024 * 1024);
    })();
    await expect(readSources(["-"], endless)).rejects.toMatchObject({ code: "TP_TOO_LARGE" });
  });
});

test.each([
  ["examples/web", "web"],
  ["examples/web/", "web"],
  ["My App_2.YAML", "my-app-2"],
  ["--.--x.json", "x"],
  [`${"a".repeat(80)}.yaml`, "a".repeat(63)],
])("%s is a workload named %s", (path, name) => {
  expect(workloadName(path)).toBe(name);
});

test.each(["-", "....", "###.yaml"])("%s gives no name, and --name is proposed", (path) => {
  expect(() => workloadName(path)).toThrow(expect.objectContaining({ code: "TP_USAGE", detail: { hint: "add --name NAME" } }));
});
