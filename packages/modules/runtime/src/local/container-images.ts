import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { corednsImage, corednsImageName, pauseImage, pauseImageName } from "./base-images.ts";
import type { ImageArchive } from "./image.ts";
import { containerdSocket } from "./node-config.ts";
import { stateFolders } from "./state-folder.ts";

/** containerd's own client, as the host reaches it: the socket stands in the node's private /run. */
export interface ContainerdClient {
  readonly exec: Exec;
  readonly ctrPath: string;
  readonly initPid: number;
  readonly signal?: AbortSignal;
}

/** The kubelet's images live in this namespace of containerd. */
const imageNamespace = "k8s.io";

/** Whether containerd answers. */
export async function containerdAnswers(client: ContainerdClient): Promise<boolean> {
  return (await ctr(client, ["version"])).code === 0;
}

/** Puts the images of an archive (docker save, or OCI) into the node; an image that is there under that name is replaced. Returns their names. */
export async function importImages(client: ContainerdClient, tarPath: string): Promise<readonly string[]> {
  const result = await ctr(client, ["images", "import", tarPath]);
  if (result.code === 0) return namesOf(client, new Set(result.stdout.match(/sha256:[0-9a-f]{64}/g)));
  // ctr warns in lines of its own, and says what failed in the last one.
  const why = (result.stderr.trim().split("\n").at(-1) ?? "").replace(/^ctr: /, "");
  throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", {
    message: `${tarPath} could not be loaded: ${why}. It must be an archive of images, as docker save or skopeo write it.`,
    detail: { tarPath },
  });
}

/** ctr cuts the names that it tells after an import; those of its list are whole. */
async function namesOf(client: ContainerdClient, digests: ReadonlySet<string>): Promise<readonly string[]> {
  const { stdout } = await ctr(client, ["images", "list"]);
  const rows = stdout.split("\n").map((line) => line.split(/\s+/));
  // The kubelet's plugin adds each image once more, by its digest alone.
  return rows.flatMap(([name = "", , digest = ""]) => (digests.has(digest) && !name.startsWith("sha256:") ? [name] : []));
}

/** Imports those of `archives` that the node does not have by name: for images that never change under their name. */
export async function importMissing(client: ContainerdClient, archives: readonly ImageArchive[]): Promise<void> {
  const present = new Set((await ctr(client, ["images", "list", "--quiet"])).stdout.split("\n"));
  for (const archive of archives) {
    if (!present.has(archive.name)) await importImages(client, archive.path);
  }
}

/** Makes the images that every cluster needs; they are small enough to be made anew for each. */
export async function makeNodeImages(input: { readonly stateDir: string; readonly busybox: string; readonly coredns: string }): Promise<ImageArchive[]> {
  const folder = join(input.stateDir, stateFolders.images);
  await mkdir(folder, { recursive: true });
  return [
    { ...(await pauseImage({ out: join(folder, "pause.tar"), busybox: input.busybox })), name: pauseImageName },
    { ...(await corednsImage({ out: join(folder, "coredns.tar"), coredns: input.coredns })), name: corednsImageName },
  ];
}

function ctr(client: ContainerdClient, args: readonly string[]) {
  const address = `/proc/${client.initPid}/root${containerdSocket}`;
  return client.exec.run(
    client.ctrPath,
    ["--address", address, "--namespace", imageNamespace, ...args],
    client.signal === undefined ? {} : { signal: client.signal },
  );
}
