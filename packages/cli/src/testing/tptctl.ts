import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@threeport/platform";

const program = fileURLToPath(new URL("../main.ts", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Standard input stays open until the process ends. */
  readonly inputStaysOpen?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The process gets the signal once, as soon as its output fits, and `after` has been done. */
  readonly endWhen?: { readonly output: RegExp; readonly signal: NodeJS.Signals; readonly after?: () => Promise<void> };
  /** Called once, with the first output. */
  readonly onFirstOutput?: () => void;
}

/** A control plane's home of its own, with the real `tptctl` as a process of its own for each call. Disposing stops everything. */
export interface TestHome extends AsyncDisposable {
  readonly folder: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
}

/** Variables of the machine that would lead a test elsewhere. */
const unset = { KUBECONFIG: undefined, XDG_DATA_HOME: undefined, THREEPORT_CONFIG: undefined, DATABASE_URL: undefined, NO_COLOR: undefined };

export async function createTestHome(): Promise<TestHome> {
  const parent = await mkdtemp(join(tmpdir(), "threeport-cli-"));
  const folder = join(parent, "home");
  const run: TestHome["run"] = async (args, options = {}) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...unset, THREEPORT_HOME: folder, ...options.env },
    });
    let stdout = "";
    let stderr = "";
    let ended = false;
    child.stdout.on("data", (chunk: Buffer) => {
      if (stdout === "") options.onFirstOutput?.();
      stdout += chunk.toString("utf8");
      endIfDue();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString("utf8");
      endIfDue();
    });
    const endIfDue = (): void => {
      if (ended || options.endWhen?.output.test(stdout + stderr) !== true) return;
      ended = true;
      const { signal, after = () => Promise.resolve() } = options.endWhen;
      const end = (): void => void child.kill(signal);
      after().then(end, (error: unknown) => {
        stderr += String(error);
        end();
      });
    };
    child.stdin.on("error", () => {}); // a command that does not read its input
    if (options.inputStaysOpen === true) child.stdin.write(options.input ?? "");
    else child.stdin.end(options.input ?? "");
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, stderr };
  };
  return {
    folder,
    run,
    async [Symbol.asyncDispose]() {
      const down = await run(["down"]);
      if (down.code !== 0) throw new Error(`the control plane of a test could not be stopped: ${down.stderr}`);
      await rm(parent, { recursive: true, force: true });
    },
  };
}

/** Waits for a state of the world. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, deadlineMs = 30_000): Promise<T> {
  const until = systemClock.monotonic() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.monotonic() > until) throw new Error(`${what} did not come to pass within ${deadlineMs / 1000} s`);
    await systemClock.sleep(100);
  }
}
