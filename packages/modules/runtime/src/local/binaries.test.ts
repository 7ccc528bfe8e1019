import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { systemClock, systemRandom, type Exec, type RunOptions } from "@threeport/platform";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureKubernetesBinaries, kubernetesCacheFolder } from "./binaries.ts";
import { buildSteps, goModules } from "./go-modules.ts";

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "threeport-binaries-"));
});
afterEach(() => rm(cacheDir, { recursive: true }));

interface Compiler extends Exec {
  readonly built: string[];
  readonly tidied: string[];
}

/** A stand-in for `go`: `build` and `install` write a file, in two pieces, as the linker does. */
function compiler(options: { readonly failOn?: string; readonly version?: string } = {}): Compiler {
  const built: string[] = [];
  const tidied: string[] = [];
  const run = async (command: string, args: readonly string[], run: RunOptions = {}) => {
    if (command !== "go") throw new Error(`unexpected ${command}`);
    const done = { code: 0, stdout: "", stderr: "" };
    if (args[0] === "version") return { ...done, stdout: options.version ?? "go version go1.26.8 linux/amd64" };
    if (args[0] === "mod") {
      tidied.push(await readFile(join(run.cwd ?? "", "go.mod"), "utf8"));
      return done;
    }
    const name = basename(args.at(-1)?.replace(/@.*$/, "") ?? "").replace(/^v3$/, "etcd");
    const out = args[0] === "build" ? (args[args.indexOf("-o") + 1] ?? "") : join(run.env?.["GOBIN"] ?? "", name);
    await writeFile(out, "half", { mode: 0o755 });
    if (name === options.failOn) return { code: 1, stdout: "", stderr: "first\nundefined: thing" };
    await writeFile(out, "whole", { mode: 0o755 });
    built.push(name);
    return done;
  };
  return { run, start: () => { throw new Error("not used"); }, built, tidied }; // prettier-ignore
}

const seams = { clock: systemClock, random: systemRandom, source: "build" } as const;
const allBinaries = buildSteps.map((step) => step.binary);

test("an empty cache is filled with every binary, from our go.mod files, with a progress line for each", async () => {
  const exec = compiler();
  const lines: string[] = [];
  const binaries = await ensureKubernetesBinaries({ ...seams, cacheDir, exec, onProgress: (line) => lines.push(line) });
  expect(binaries.folder).toBe(kubernetesCacheFolder(cacheDir));
  expect((await readdir(binaries.folder)).sort()).toEqual([...allBinaries].sort());
  expect(exec.tidied).toEqual([goModules.kubernetes, goModules.node]);
  expect(lines[0]).toBe(`building kube-apiserver (1 of ${allBinaries.length}, about 6 min)`);
  expect(lines).toHaveLength(allBinaries.length);
  expect(await readdir(join(binaries.folder, ".."))).toEqual(["bin"]);
});

test("B1, B3: after a failed build no half binary stands there, and the next build makes only what is missing", async () => {
  const failing = compiler({ failOn: "kubelet" });
  await expect(ensureKubernetesBinaries({ ...seams, cacheDir, exec: failing })).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("undefined: thing"),
  });
  expect((await readdir(kubernetesCacheFolder(cacheDir))).sort()).toEqual(["kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
  const second = compiler();
  const { folder } = await ensureKubernetesBinaries({ ...seams, cacheDir, exec: second });
  expect(second.built).toEqual(allBinaries.slice(3));
  for (const binary of allBinaries) expect(await readFile(join(folder, binary), "utf8")).toBe("whole");
});

test("B2: two callers at once build everything once", async () => {
  const exec = compiler();
  const lines: string[] = [];
  const request = { ...seams, cacheDir, exec, onProgress: (line: string) => lines.push(line) };
  const [first, second] = await Promise.all([ensureKubernetesBinaries(request), ensureKubernetesBinaries(request)]);
  expect(first).toEqual(second);
  expect(exec.built).toEqual(allBinaries);
  expect(lines).toContain("waiting for another process that downloads or builds Kubernetes");
});

test("a complete cache needs no Go at all", async () => {
  await ensureKubernetesBinaries({ ...seams, cacheDir, exec: compiler() });
  const nothing: Exec = { run: () => Promise.reject(new Error("no program may run")), start: () => { throw new Error("no"); } }; // prettier-ignore
  await expect(ensureKubernetesBinaries({ ...seams, cacheDir, exec: nothing })).resolves.toMatchObject({ folder: kubernetesCacheFolder(cacheDir) });
});

test("a named folder is used as it is, and refused by name when it is incomplete", async () => {
  const folder = join(cacheDir, "mine");
  await mkdir(folder);
  for (const binary of allBinaries) await writeFile(join(folder, binary), "", { mode: 0o755 });
  const exec = compiler();
  expect(await ensureKubernetesBinaries({ ...seams, cacheDir, folder, exec })).toMatchObject({ folder });
  await rm(join(folder, "kubelet"));
  await writeFile(join(folder, "etcd"), "", { mode: 0o644 });
  await rm(join(folder, "etcd"));
  await expect(ensureKubernetesBinaries({ ...seams, cacheDir, folder, exec })).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("does not hold kubelet, etcd"),
  });
  expect(exec.built).toEqual([]);
});

const unusable = [
  { name: "absent", because: "spawn fails with ENOENT", exec: { ...compiler(), run: () => Promise.reject(new Error("ENOENT")) } as Exec },
  { name: "too old", because: "Debian 12 has 1.19, which cannot read these go.mod files", exec: compiler({ version: "go version go1.19.8 linux/amd64" }) },
];
test.each(unusable)("Go that is $name is reported with what to install", async ({ exec }) => {
  await expect(ensureKubernetesBinaries({ ...seams, cacheDir, exec })).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("Install Go 1.26 or newer"),
  });
  await expect(access(kubernetesCacheFolder(cacheDir))).rejects.toThrow("ENOENT");
});

test("the go.mod of Kubernetes replaces all its staging modules with the version that belongs to it", () => {
  expect(goModules.kubernetes.match(/=> k8s\.io\/\S+ v0\.36\.4$/gm)).toHaveLength(33);
  expect(goModules.kubernetes).toContain("require k8s.io/kubernetes v1.36.4");
});
