// tptctl validate, as a user runs it: no control plane is there.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHome, type TestHome } from "../testing/tptctl.ts";

let home: TestHome;
let folder: string;
beforeAll(async () => {
  home = await createTestHome();
  folder = join(home.folder, "..", "files");
  await mkdir(folder, { recursive: true });
});
afterAll(() => home[Symbol.asyncDispose]());

const write = async (name: string, text: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const score = (name: string, container: string, more = "") => `apiVersion: score.dev/v1b1
metadata:
  name: ${name}
containers:
  web:
    image: .
${container
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
${more}`;
const validate = (...args: string[]) => home.run(["validate", ...args]);

test("files that are well are told with what they hold; an image may come later", async () => {
  const [one, two] = [await write("one.yaml", score("one", "variables: {A: b}")), await write("two.yaml", score("two", "args: [x]"))];
  expect(await validate(one, two)).toMatchObject({ code: 0, stdout: "workload one is valid (1 container)\nworkload two is valid (1 container)\n", stderr: "" });
});

test("what is wrong is told for all files at once: file, line, column, field, and what to write", async () => {
  const one = await write("wrong.yaml", score("one", "variables:\n  PORT: 8080\nfiels: {}"));
  const two = await write("worse.yaml", score("two", 'variables: {A: "${resources.db.host}"}'));
  expect((await validate(one, two)).stderr.split("\n")).toEqual([
    "error: 2 files: 3 fields of Score documents must be corrected",
    `  ${one}:8:7 containers.web.variables.PORT: Invalid value: 8080 is a number, and text is wanted: put quotes around what stands there`,
    expect.stringContaining(`  ${one}:9:5 containers.web.fiels: Unknown field: did you mean files? There can be image, `) as string,
    `  ${two}:7:17 containers.web.variables.A: Invalid value: \${resources.db.host}: there is no resource db; the file has none`,
    "hint: correct the fields named above and try again",
    "",
  ]);
});

test("what is wrong is told from top to bottom, whatever sort of fault it is", async () => {
  const file = await write("order.yaml", score("Wrong_Name", "comand: []", "service: {ports: {web: {port: 99999}}}"));
  expect((await validate(file)).stderr.match(/(?<=order.yaml:)\d+:/g)).toEqual(["3:", "7:", "8:"]);
});

test("files beside a Score file are read from its folder; what cannot be read is told", async () => {
  await write("text.txt", "for ${metadata.name}");
  await write("raw.bin", new Uint8Array([0xff, 0xfe]));
  const good = await write("beside.yaml", score("beside", "files:\n  /a: {source: ./text.txt}\n  /b: {source: raw.bin, noExpand: true}"));
  expect(await validate(good)).toMatchObject({ code: 0 });
  const bad = await write("missing.yaml", score("missing", "files:\n  /a: {source: ./nowhere.txt}\n  /b: {source: raw.bin}\n  /c: {source: .}"));
  expect((await validate(bad)).stderr).toMatch(
    /files\[\/a\]\.source: Invalid value: ".\/nowhere.txt": there is no such file; the path starts in the folder of the Score file.*\n.*files\[\/b\]\.source: .*not text in UTF-8.*noExpand: true\n.*files\[\/c\]\.source: .*not a file/,
  );
});

test("old forms are notices, with their place", async () => {
  const old = await write("old.yaml", score("old", "files:\n  - target: /a\n    content: [x, y]"));
  expect(await validate(old)).toMatchObject({
    code: 0,
    stderr: `notice: ${old}:7:5 containers.web.files: files as a list is an old form: write a mapping with each target as its key\n`,
  });
  const wrong = await write(
    "wrong-list.yaml",
    score("wrong", "files:\n  - {target: /a, content: x}\n  - {target: /b, source: ./nowhere.txt}\n  - {target: /c, mode: 0644, content: y}"),
  );
  expect((await validate(wrong)).stderr).toContain(`${wrong}:10:22 containers.web.files[2].mode: `);
  const missing = await write("missing-in-list.yaml", score("missing", "files:\n  - {target: /a, content: x}\n  - {target: /b, source: ./nowhere.txt}"));
  expect((await validate(missing)).stderr).toContain(`${missing}:9:22 containers.web.files[1].source: Invalid value: "./nowhere.txt": there is no such file`);
});

test("a second document of a file is a second workload, and nothing is dropped", async () => {
  const both = await write("both.yaml", `${score("one", "args: [x]")}---\n${score("two", "args: [x]")}`);
  expect((await validate(both)).stdout).toBe("workload one is valid (1 container)\nworkload two is valid (1 container)\n");
  const twice = await write("twice.yaml", `${score("one", "args: [x]")}---\n${score("one", "args: [x]")}`);
  expect(await validate(twice)).toMatchObject({ code: 2, stderr: expect.stringContaining("two documents are named one") as string });
});

test("overrides are checked with the file they change", async () => {
  const file = await write("base.yaml", score("base", "variables: {A: b}"));
  const overrides = await write("overrides.yaml", "containers: {web: {variables: {A: 1}}}");
  expect((await validate(file, "--overrides-file", overrides)).stderr).toContain(
    `  ${overrides}:1:32 containers.web.variables.A: Invalid value: 1 is a number`,
  );
  expect(await validate(file, "--override-property", 'containers.web.variables.A="1"')).toMatchObject({ code: 0 });
  expect((await validate(file, "--override-property", "containers.web.variables.A=1")).stderr).toContain(
    "containers.web.variables.A: Invalid value: 1 is a number",
  );
  expect((await validate(file, "--override-property", "nonsense")).stderr).toContain("write PATH=VALUE");
  expect((await validate(file, "--image", "web=a", "--image", "other=b")).stderr).toContain("no container other with image: .");
});

test("a file that is valid only with its overrides is taken with them, and what is still wrong is told where it stands", async () => {
  const file = await write("half.yaml", score("half", "variables: {A: 1, B: 2}"));
  const [half, all] = [
    await write("half-fixed.yaml", 'containers: {web: {variables: {A: "1"}}}'),
    await write("fixed.yaml", 'containers: {web: {variables: {A: "1", B: "2"}}}'),
  ];
  const told = await validate(file, "--overrides-file", half);
  expect(told).toMatchObject({ code: 3 });
  expect(told.stderr).toMatch(new RegExp(`^ {2}${file}:\\d+:\\d+ containers\\.web\\.variables\\.B: Invalid value: 2 is a number`, "m"));
  expect(told.stderr).not.toContain("variables.A");
  expect(await validate(file, "--overrides-file", all)).toMatchObject({
    code: 0,
    stdout: "workload half is valid (1 container)\n",
    stderr: expect.stringContaining("is valid only with its overrides, so these become part of the workload") as string,
  });
});

test("overrides name files of their own, which are read and checked as those of the file", async () => {
  await write("dev.conf", "dev");
  await write("prod.conf", "prod");
  const file = await write("conf.yaml", score("conf", "files:\n  /etc/app.conf: {source: ./dev.conf}"));
  const other = await write("prod.yaml", "containers: {web: {files: {/etc/app.conf: {source: ./prod.conf}}}}");
  expect(await validate(file, "--overrides-file", other)).toMatchObject({ code: 0, stderr: "" });
  const missing = await write("lost.yaml", "containers: {web: {files: {/etc/more.conf: {source: ./nowhere.conf}}}}");
  expect(await validate(file, "--overrides-file", missing)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(
      `${missing}:1:45 containers.web.files[/etc/more.conf].source: Invalid value: "./nowhere.conf": there is no such file`,
    ) as string,
  });
});

test("an image that names its container goes to the documents that have it", async () => {
  const document = (name: string, container: string) => score(name, "args: [x]").replace("  web:", `  ${container}:`);
  const both = [await write("front.yaml", document("front", "page")), await write("back.yaml", document("back", "api"))];
  expect(await validate(...both, "--image", "page=a:1", "--image", "api=b:1")).toMatchObject({ code: 0, stderr: "" });
  expect(await validate(...both, "--image", "pgae=a:1")).toMatchObject({
    code: 2,
    stderr: "error: --image pgae=a:1: none of the 2 workloads has a container pgae\nhint: there are page, api\n",
  });
});

test("manifests are one workload together, beside Score documents they are refused", async () => {
  const manifest = await write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
  expect(await validate(manifest)).toMatchObject({ code: 0, stdout: "workload map is valid (1 object)\n" });
  const other = await write("score.yaml", score("other", "args: [x]"));
  expect(await validate(manifest, other)).toMatchObject({ code: 2, stderr: expect.stringContaining("deploy them by two calls") as string });
  const neither = await write("neither.yaml", "hello: world\n");
  expect(await validate(neither)).toMatchObject({ code: 3, stderr: expect.stringContaining("neither a Kubernetes manifest nor a Score document") as string });
  const extension = await write("ext.yaml", "apiVersion: humanitec.org/v1b1\nprofile: x\n");
  expect(await validate(extension)).toMatchObject({ code: 3, stderr: expect.stringContaining("another platform") as string });
});
