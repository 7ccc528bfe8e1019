import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageArchive } from "../../../packages/modules/runtime/src/local/index.ts";
import { programImage, serverOf } from "./base-image.ts";
import { runTool, shopCache, type PartsRequest } from "./parts-request.ts";

const profile = "s3-instance-v1";
const module = "github.com/versity/versitygw/cmd/versitygw";

/** The S3 gateway that the profile names, built from its Go module at the same version. */
export async function versitygwImage(out: string, request: PartsRequest): Promise<ImageArchive> {
  const { image, user } = serverOf(profile);
  const program = await versitygwProgram(request);
  return programImage(
    out,
    {
      file: "versitygw.tar",
      name: image,
      account: { name: "versitygw", user, home: "/tmp" },
      files: [{ path: "/usr/local/bin/versitygw", from: program, mode: 0o755 }],
    },
    request,
  );
}

/** Of the version that the image's tag names. */
export async function versitygwProgram(request: PartsRequest): Promise<string> {
  const { image } = serverOf(profile);
  const version = image.slice(image.lastIndexOf(":") + 1);
  const program = join(shopCache(request), `versitygw-${version}`);
  if (await stat(program).catch(() => undefined)) return program;
  request.say?.("building versitygw (about 1 min)");
  const work = join(shopCache(request), `versitygw-work-${process.pid}`);
  await mkdir(work, { recursive: true });
  try {
    const env = { GOBIN: work, CGO_ENABLED: "0", GOFLAGS: "-trimpath -mod=mod" };
    await runTool(request, ["go", "install", "-ldflags", "-s -w", `${module}@${version}`], { cwd: work, env });
    await rename(join(work, "versitygw"), program);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return program;
}
