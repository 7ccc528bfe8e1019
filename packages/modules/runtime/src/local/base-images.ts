import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { type ImageArchive, type ImageFile, makeImage } from "./image.ts";

/** The image of every pod's sandbox process; pinned in containerd, so garbage collection leaves it. */
export const pauseImageName = "localhost/pause:local";
export const busyboxImageName = "docker.io/library/busybox:local";
export const corednsImageName = "localhost/coredns:local";

const accounts: readonly ImageFile[] = [
  { path: "/etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n" },
  { path: "/etc/group", content: "root:x:0:\nnobody:x:65534:\n" },
  { path: "/tmp", folderMode: 0o1777 },
];

export interface BusyboxImageRequest {
  readonly out: string;
  /** A statically linked busybox of this machine. */
  readonly busybox: string;
  readonly exec: Exec;
  readonly name?: string;
  readonly files?: readonly ImageFile[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
}

/** A small system: busybox with all its applets, the usual folders, and `files`. Serves /www with `httpd -f -h /www`. */
export async function busyboxImage(request: BusyboxImageRequest): Promise<ImageArchive> {
  return makeImage({
    out: request.out,
    name: request.name ?? busyboxImageName,
    entrypoint: request.entrypoint ?? [],
    cmd: request.cmd ?? ["/bin/sh"],
    files: [
      ...accounts,
      { path: "/root", folderMode: 0o700 },
      { path: "/var", folderMode: 0o755 },
      { path: "/www/index.html", content: "hello from busybox\n" },
      { path: "/bin/busybox", from: request.busybox, mode: 0o755 },
      ...(await applets(request)).map((applet) => ({ path: `/bin/${applet}`, link: "busybox" })),
      ...(request.files ?? []),
    ],
  });
}

/** The sandbox process: sleeps until it is killed. It does not reap orphans of pods that share a process namespace. */
export async function pauseImage(request: { readonly out: string; readonly busybox: string }): Promise<ImageArchive> {
  return makeImage({
    out: request.out,
    name: pauseImageName,
    entrypoint: ["/sleep", "2147483647"], // busybox is what it is called as
    user: "65534:65534",
    files: [{ path: "/sleep", from: request.busybox, mode: 0o755 }],
  });
}

export async function corednsImage(request: { readonly out: string; readonly coredns: string }): Promise<ImageArchive> {
  return makeImage({
    out: request.out,
    name: corednsImageName,
    entrypoint: ["/coredns"],
    files: [...accounts, { path: "/coredns", from: request.coredns, mode: 0o755 }],
  });
}

async function applets({ exec, busybox }: BusyboxImageRequest): Promise<string[]> {
  const listed = await exec.run(busybox, ["--list"]);
  if (listed.code !== 0)
    throw new PlatformError("TP_TOOL_MISSING", { message: `${busybox} does not run: install the package busybox-static.`, detail: { stderr: listed.stderr } });
  return listed.stdout.split("\n").filter((name) => name !== "" && name !== "busybox");
}
