import { join } from "node:path";
import { busyboxImage, ensureSystemPackages, type ImageArchive, type ImageFile } from "../../../packages/modules/runtime/src/local/index.ts";
import { builtInSpec } from "../../../packages/modules/dependency/src/built-in/index.ts";
import type { PartsRequest } from "./parts-request.ts";

/** What a built-in profile says of the server that it makes. */
export interface ProfileServer {
  readonly image: string;
  readonly user: number;
}

interface MadeObject {
  readonly kind?: string;
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } };
}

interface Container {
  readonly image: string;
  readonly securityContext: { readonly runAsUser: number };
}

/** The image that a built-in profile names, and the user that it runs it as: what is made here must be what is asked for there. */
export function serverOf(profile: string): ProfileServer {
  const spec = builtInSpec(profile) as { provisioner: { manifests: { objects: readonly MadeObject[] } } } | undefined;
  const set = spec?.provisioner.manifests.objects.find(({ kind }) => kind === "StatefulSet");
  const [container] = set?.spec?.template?.spec?.containers ?? [];
  if (container === undefined) throw new Error(`the built-in profile ${profile} makes no server`);
  return { image: container.image, user: container.securityContext.runAsUser };
}

export interface ProgramImage {
  /** Of the archive. */
  readonly file: string;
  readonly name: string;
  /** Account that the program runs as. */
  readonly account?: { readonly name: string; readonly user: number; readonly home: string };
  readonly files: readonly ImageFile[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
}

/** A small system with a shell, and programs of this machine. */
export async function programImage(out: string, image: ProgramImage, request: PartsRequest): Promise<ImageArchive> {
  const { exec, signal } = request;
  const { busybox } = await ensureSystemPackages({ exec, ...(signal === undefined ? {} : { signal }) });
  const { name: owner, user, home } = image.account ?? { name: "app", user: 1000, home: "/tmp" };
  return busyboxImage({
    out: join(out, image.file),
    name: image.name,
    busybox,
    exec,
    ...(image.entrypoint === undefined ? {} : { entrypoint: image.entrypoint }),
    cmd: image.cmd ?? [],
    files: [
      { path: "/etc/passwd", content: `root:x:0:0:root:/root:/bin/sh\n${owner}:x:${user}:${user}:${owner}:${home}:/bin/sh\n` },
      { path: "/etc/group", content: `root:x:0:\n${owner}:x:${user}:\n` },
      { path: "/usr/bin/env", link: "/bin/busybox" },
      { path: "/var/run", folderMode: 0o1777 },
      ...image.files,
    ],
  });
}
