// `helm template` on a file of ours: without a network, without the user's settings, and with bounds.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";

export interface HelmProcess {
  readonly exec: Exec;
  /** PATH, by which helm and what confines it are found. */
  readonly searchPath?: string | undefined;
}

export interface Template {
  readonly helm: string;
  /** A packaged chart. */
  readonly file: string;
  readonly release: string;
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly kubeVersion: string;
  /** What `.Capabilities.APIVersions` has beside Kubernetes' own. */
  readonly apiVersions: readonly string[];
}

/** A chart takes well below a second; one that loops is ended. */
const timeoutMs = 30_000;
/** Address space of the process, in bytes. */
const memoryMax = 4 * 1024 * 1024 * 1024;
export const outputBytesMax = 4 * 1024 * 1024;

/** The rendered text, or what the chart says is wrong with it or its values. */
export async function runTemplate(
  { exec, searchPath = "" }: HelmProcess,
  template: Template,
  signal: AbortSignal,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  // An empty folder: helm takes what is called like the chart in the current one before anything else.
  const folder = await mkdtemp(join(tmpdir(), "threeport-helm-"));
  try {
    const { helm, file, release, namespace, values, kubeVersion, apiVersions } = template;
    const args = ["template", release, file, "--namespace", namespace, "--values", "-", "--include-crds", "--kube-version", kubeVersion];
    const capabilities = apiVersions.flatMap((each) => ["--api-versions", each]);
    const [command = "env", ...before] = [...(await jail(exec)), "env", "-i", ...environmentIn(folder, searchPath)];
    const { code, stdout, stderr } = await exec.run(command, [...before, helm, ...args, ...capabilities], {
      cwd: folder,
      input: JSON.stringify(values),
      timeoutMs,
      outputBytesMax: outputBytesMax + 1,
      signal,
    });
    signal.throwIfAborted();
    if (code === null) return { problem: `rendering it took longer than ${timeoutMs / 1000} s` };
    if (code !== 0) return { problem: readable(stderr) };
    if (Buffer.byteLength(stdout) > outputBytesMax) return { problem: `it renders to more than ${outputBytesMax / 1024 / 1024} MiB` };
    return { text: stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nothing of the control plane's environment, where passwords may be. */
function environmentIn(folder: string, searchPath: string): string[] {
  return [`PATH=${searchPath}`, ...["HOME", "TMPDIR", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map((name) => `${name}=${folder}`)];
}

let jailed: Promise<readonly string[]> | undefined;

/** A network namespace without a network, and a bound on memory, where this machine can have them (Linux; unprivileged where user namespaces are). */
function jail(exec: Exec): Promise<readonly string[]> {
  jailed ??= (async () => {
    const ways: readonly (readonly string[])[] = [
      ["prlimit", `--as=${memoryMax}`, "unshare", "--net"],
      ["prlimit", `--as=${memoryMax}`, "unshare", "--user", "--net"],
      ["prlimit", `--as=${memoryMax}`],
    ];
    for (const way of ways) {
      const [command = "", ...rest] = way;
      const tried = await exec.run(command, [...rest, "true"], { timeoutMs: 5_000 }).catch(() => undefined);
      if (tried?.code === 0) return way;
    }
    return [];
  })();
  return jailed;
}

/** helm repeats itself: "Error: execution error at (web/templates/x.yaml:3:4): a message" stays whole, hints for the command line go. */
function readable(stderr: string): string {
  const text = stderr
    .split("\n")
    .filter((line) => !/^(level=|time=|Use --debug flag|WARNING:|W\d{4} )/.test(line))
    .join("\n")
    .replace(/^Error: /, "")
    .trim();
  return text === "" ? "helm template failed and said nothing" : text.slice(0, 2_000);
}
