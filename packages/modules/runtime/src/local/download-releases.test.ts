// The downloader against a mirror of its own: HTTPS on loopback, with an authority that only these tests trust.
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { once } from "node:events";
import { systemClock, systemExec, systemRandom, type Exec } from "@threeport/platform";
import { createAuthority, issue } from "@threeport/platform/pki";
import { until } from "@threeport/engine/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ensureKubernetesBinaries, kubernetesCacheFolder } from "./binaries.ts";
import { buildSteps } from "./go-modules.ts";
import { releaseFiles } from "./releases.ts";

/** What the server does for one path in place of sending the file: once, then the file is sent. */
interface Fault {
  readonly status?: number;
  /** Bytes after which the connection is cut, once they are on the client's disk. */
  readonly cutAfter?: number;
  readonly redirect?: string;
  readonly always?: boolean;
}

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const files = releaseFiles(architecture);
const binaries = buildSteps.map(({ binary }) => binary);
const kubelet = `/mirror/dl.k8s.io/${files
  .find(({ binaries: { kubelet: found } }) => found !== undefined)
  ?.address.split("/")
  .slice(1)
  .join("/")}`;
/** Large enough to be cut in pieces. */
const contentOf = (binary: string) => Buffer.from(`#!/bin/sh\necho ${binary}\n${"x".repeat(200_000)}\n`);

let work: string;
let cacheDir: string;
let server: Server;
let mirror: URL;
let authorities: string;
let published: Map<string, Buffer>;
const faults = new Map<string, Fault>();
const requests: { path: string; range: string | undefined }[] = [];

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "threeport-releases-"));
  const times = { nowMs: systemClock.now(), validForMs: 3_600_000 };
  const authority = await createAuthority({ subject: { commonName: "mirror" }, ...times });
  const pair = await issue(authority, { subject: { commonName: "mirror" }, usages: ["server"], hosts: ["127.0.0.1"], ...times });
  authorities = authority.certificatePem;
  published = await publish();
  server = createServer({ key: pair.privateKeyPem, cert: pair.certificatePem }, (request, response) => {
    const path = request.url ?? "";
    const { range } = request.headers;
    requests.push({ path, range });
    const fault = faults.get(path);
    if (fault?.always !== true) faults.delete(path);
    if (fault?.redirect !== undefined) return response.writeHead(302, { location: fault.redirect }).end();
    if (fault?.status !== undefined) return response.writeHead(fault.status).end("no");
    const whole = published.get(path.replace("/elsewhere", "/mirror"));
    if (whole === undefined) return response.writeHead(404).end("not found");
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    if (range !== undefined && from >= whole.length) return response.writeHead(416).end();
    const body = whole.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, {
      "content-length": body.length,
      ...(range === undefined ? {} : { "content-range": `bytes ${from}-${whole.length - 1}/${whole.length}` }),
    });
    if (fault?.cutAfter === undefined) return response.end(body);
    const bytes = fault.cutAfter;
    response.write(body.subarray(0, bytes));
    void until(`${bytes} bytes on disk`, async () => (await stat(partialOf(path))).size === bytes).then(() => response.socket?.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  mirror = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/`);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(work, { recursive: true });
});
beforeEach(async () => {
  cacheDir = await mkdtemp(join(work, "cache-"));
});
afterEach(() => {
  faults.clear();
  requests.length = 0;
});

/** Files as their publishers lay them out, made from small programs: path on the mirror → content. */
async function publish(): Promise<Map<string, Buffer>> {
  const made = new Map<string, Buffer>();
  for (const file of files) {
    const [binary = ""] = Object.keys(file.binaries);
    const content = file.isArchive ? await archive(file.binaries) : contentOf(binary);
    made.set(`/mirror/${file.address}`, content);
    const line = `${createHash("sha256").update(content).digest("hex")}${file.isArchive ? `  ${basename(file.address)}` : ""}\n`;
    made.set(`/mirror/${file.sums}`, Buffer.from(line));
  }
  return made;
}

async function archive(members: Readonly<Record<string, string>>): Promise<Buffer> {
  const folder = await mkdtemp(join(work, "archive-"));
  for (const [binary, member] of Object.entries(members)) {
    await mkdir(dirname(join(folder, member)), { recursive: true });
    await writeFile(join(folder, member), contentOf(binary));
    await chmod(join(folder, member), 0o755);
  }
  await writeFile(join(folder, "README"), "not wanted");
  const { code } = await systemExec.run("tar", ["-czf", join(folder, "..", "made.tgz"), "-C", folder, ...Object.values(members), "README"]);
  expect(code).toBe(0);
  return readFile(join(folder, "..", "made.tgz"));
}

const noGo: Exec = {
  run: (command, args, options) => (command === "go" ? Promise.reject(new Error("ENOENT")) : systemExec.run(command, args, options)),
  start: systemExec.start,
};
const get = (more: { readonly source?: "release" | "build"; readonly exec?: Exec; readonly mirror?: URL; readonly onProgress?: (line: string) => void } = {}) =>
  ensureKubernetesBinaries({ exec: noGo, clock: systemClock, random: systemRandom, cacheDir, mirror, authorities, source: "release", ...more });

async function expectComplete(): Promise<void> {
  const folder = kubernetesCacheFolder(cacheDir);
  expect((await readdir(folder)).sort()).toEqual([...binaries].sort());
  for (const binary of binaries) {
    expect(await readFile(join(folder, binary))).toEqual(contentOf(binary));
    expect((await stat(join(folder, binary))).mode & 0o777).toBe(0o755);
  }
  expect(await readdir(join(folder, ".."))).toEqual(["bin"]);
}
const partialOf = (path: string) => join(kubernetesCacheFolder(cacheDir), "..", "download", basename(path));
const timesAsked = (path: string) => requests.filter((request) => request.path === path).length;

test("all files are had, checked, unpacked and put in place, with a line that says what and how much; then nothing is asked for again", async () => {
  const lines: string[] = [];
  await get({ onProgress: (line) => lines.push(line) });
  await expectComplete();
  expect(lines).toContain("downloading kubelet (4 of 10): 0.2 of 0.2 MB");
  expect(lines.filter((line) => line.includes("etcd-v"))[0]).toMatch(/^downloading etcd-v\S+\.tar\.gz \(7 of 10\): \d\.\d of \d\.\d MB$/);
  requests.length = 0;
  await get();
  expect(requests).toEqual([]);
});

test("a connection that is cut is continued where it stopped", async () => {
  faults.set(kubelet, { cutAfter: 50_000 });
  await get();
  await expectComplete();
  expect(requests.filter(({ path }) => path === kubelet).map(({ range }) => range)).toEqual([undefined, "bytes=50000-"]);
});

test("what a process that died had got is continued by the next one, also when it had got all of it", async () => {
  const folder = join(kubernetesCacheFolder(cacheDir), "..", "download");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "kubelet"), contentOf("kubelet").subarray(0, 70_000));
  await writeFile(join(folder, "kubectl"), contentOf("kubectl"));
  await get();
  await expectComplete();
  expect(requests.filter(({ path }) => path === kubelet).map(({ range }) => range)).toEqual(["bytes=70000-"]);
});

test("what was left of another file is thrown away and had from the beginning", async () => {
  const folder = join(kubernetesCacheFolder(cacheDir), "..", "download");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "kubelet"), Buffer.alloc(70_000, 1));
  await get();
  await expectComplete();
  expect(requests.filter(({ path }) => path === kubelet).map(({ range }) => range)).toEqual(["bytes=70000-", undefined]);
});

test("a file that is not what is published is never put in place, whatever was there before; those before it stay", async () => {
  const sums = `${kubelet}.sha256`;
  const right = published.get(sums) ?? Buffer.alloc(0);
  published.set(sums, Buffer.from("0".repeat(64)));
  try {
    await expect(get()).rejects.toMatchObject({
      code: "TP_TOOL_MISSING",
      message: expect.stringMatching(/kubelet has the SHA-256 [0-9a-f]{64}, and 0{64} is published/),
    });
  } finally {
    published.set(sums, right);
  }
  expect((await readdir(kubernetesCacheFolder(cacheDir))).sort()).toEqual(["kube-apiserver", "kube-controller-manager", "kube-scheduler"]);
  requests.length = 0;
  await get();
  await expectComplete();
  expect(requests.some(({ path }) => path.endsWith("/kube-apiserver"))).toBe(false);
});

test("a file that is not there is named, at once", async () => {
  faults.set(kubelet, { status: 404, always: true });
  await expect(get()).rejects.toMatchObject({ code: "TP_TOOL_MISSING", message: `there is no ${new URL(kubelet, mirror).href}` });
  expect(timesAsked(kubelet)).toBe(1);
});

test("a server that is busy is asked again; one that is refused is not", async () => {
  faults.set(kubelet, { status: 503 });
  await get();
  await expectComplete();
  cacheDir = await mkdtemp(join(work, "cache-"));
  faults.set(kubelet, { status: 403, always: true });
  await expect(get()).rejects.toMatchObject({ code: "TP_TOOL_MISSING", message: expect.stringContaining("the server answers 403") });
});

test("redirects are followed, but never to plain http", async () => {
  faults.set(kubelet, { redirect: kubelet.replace("/mirror", "/elsewhere") });
  await get();
  await expectComplete();
  cacheDir = await mkdtemp(join(work, "cache-"));
  faults.set(kubelet, { redirect: "http://127.0.0.1/kubelet" });
  await expect(get()).rejects.toMatchObject({ message: expect.stringContaining("which is not https") });
});

test("a server whose certificate nobody vouches for is not believed", async () => {
  const request = { exec: noGo, clock: systemClock, random: systemRandom, cacheDir, mirror, source: "release" } as const;
  await expect(ensureKubernetesBinaries({ ...request, mirror: new URL(mirror) })).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
});

/** Writes what a build would make. */
const go: Exec = {
  async run(command, args, options) {
    if (command !== "go") return systemExec.run(command, args, options);
    if (args[0] === "version") return { code: 0, stdout: "go version go1.26.8 linux/amd64", stderr: "" };
    const program = basename(args.at(-1)?.replace(/@.*$/, "") ?? "").replace(/^v3$/, "etcd");
    const out = args[0] === "build" ? args[args.indexOf("-o") + 1] : join(options?.env?.["GOBIN"] ?? "", program);
    if (args[0] !== "mod") await writeFile(out ?? "", contentOf(program), { mode: 0o755 });
    return { code: 0, stdout: "", stderr: "" };
  },
  start: systemExec.start,
};

test("where releases cannot be had, one line says why and the rest is built; a source that was asked for is not left", async () => {
  faults.set(kubelet, { status: 404, always: true });
  const lines: string[] = [];
  await ensureKubernetesBinaries({ exec: go, clock: systemClock, random: systemRandom, cacheDir, mirror, authorities, onProgress: (line) => lines.push(line) });
  await expectComplete();
  const built = lines.filter((line) => line.includes("building "));
  expect(built[0]).toBe(
    `the official releases cannot be had (there is no ${new URL(kubelet, mirror).href}), so the same versions are built from Go modules: building kubelet (1 of 12, about 1 min)`,
  );
  expect(built[1]).toBe("building kube-proxy (2 of 12, about 1 min)");

  cacheDir = await mkdtemp(join(work, "cache-"));
  await expect(get({ exec: go })).rejects.toMatchObject({ message: expect.stringContaining("there is no ") });
  requests.length = 0;
  await get({ exec: go, source: "build" });
  expect(requests).toEqual([]);
});

test("where neither works, both reasons are told, and a network that fails is a reason to try again later", async () => {
  const nobody = new URL("https://127.0.0.1:1/mirror");
  const request = { exec: noGo, clock: systemClock, random: systemRandom, cacheDir, mirror: nobody, authorities };
  await expect(ensureKubernetesBinaries(request)).rejects.toMatchObject({
    code: "TP_UNAVAILABLE",
    message: expect.stringMatching(
      /there is no go command.*\nThe official releases: https:\/\/127\.0\.0\.1:1\/mirror\/\S+ cannot be had: connect ECONNREFUSED/,
    ),
  });
});
