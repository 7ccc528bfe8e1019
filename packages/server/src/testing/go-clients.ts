import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { glob, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { systemClock, systemExec } from "@threeport/platform";

const sources = resolve(import.meta.dirname, "../clients/go");
/** client-go of the Kubernetes that we speak asks for it. */
const goMinorMin = 26;
const buildMsMax = 900_000;
const waitMsMax = 60_000;
const linesKept = 2_000;

/**
 * The programs in `src/clients/go` as one binary, outside of the checkout, under a name made of their sources. Built where
 * it is missing: some minutes when nothing of Go's cache is there, then never again until the sources change. Undefined,
 * with a word of why, where there is no Go; a failed build throws.
 */
export async function buildGoClients(say: (line: string) => void): Promise<string | undefined> {
  const binary = await goClientsPath();
  if (existsSync(binary)) return binary;
  const version = await systemExec.run("go", ["version"]).then(
    (result) => result.stdout,
    () => "",
  );
  if (Number(/go1\.(\d+)/.exec(version)?.[1] ?? "0") < goMinorMin) {
    say(`Tests with clients written in Go need Go 1.${goMinorMin} or newer in PATH.`);
    return undefined;
  }
  say("building the clients that are written in Go (about 3 min the first time)");
  const made = `${binary}.${process.pid}`; // renamed when it is whole; two that build at once make the same
  await mkdir(join(binary, ".."), { recursive: true });
  const result = await systemExec.run("go", ["build", "-ldflags", "-s -w", "-o", made, "."], {
    cwd: sources,
    env: { GOTOOLCHAIN: "local", CGO_ENABLED: "0", GOFLAGS: "-trimpath -mod=readonly", GOWORK: "off" },
    timeoutMs: buildMsMax,
  });
  if (result.code !== 0) {
    await rm(made, { force: true });
    throw new Error(`the Go clients cannot be built: ${result.stderr.slice(-2_000)}`);
  }
  await rename(made, binary);
  return binary;
}

async function goClientsPath(): Promise<string> {
  const hash = createHash("sha256");
  const names: string[] = [];
  for await (const name of glob("*", { cwd: sources })) names.push(name);
  for (const name of names.sort()) hash.update(name).update(await readFile(join(sources, name)));
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "threeport");
  return join(cache, "go-clients", hash.digest("hex").slice(0, 16), "clients");
}

/** A line that a program printed. */
export type Line = Readonly<Record<string, unknown>>;

/** A running program. Disposing kills it. */
export interface GoClient extends AsyncDisposable {
  readonly lines: readonly Line[];
  /** Waits for a line that is not told yet, from where the last wait ended, that fits. */
  until(what: string, fits: (line: Line) => boolean): Promise<Line>;
  command(line: string): void;
  /** As `kill -9`. */
  kill(): Promise<void>;
  /** Resolves to its exit code. */
  readonly exited: Promise<number | null>;
}

export function startGoClient(binary: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): GoClient {
  const [command, all] = process.platform === "linux" ? (["setpriv", ["--pdeathsig", "KILL", "--", binary, ...args]] as const) : ([binary, args] as const);
  const child: ChildProcess = spawn(command, [...all], { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  const lines: Line[] = [];
  const errors: string[] = [];
  const waiting = new Set<() => void>();
  let told = 0;
  const exited = once(child, "close").then(([code]) => code as number | null);
  child.stdin?.on("error", () => {}); // it has ended
  if (child.stdout !== null)
    createInterface(child.stdout).on("line", (line) => {
      lines.push(JSON.parse(line) as Line);
      for (const look of waiting) look();
    });
  if (child.stderr !== null)
    createInterface(child.stderr).on("line", (line) => {
      errors.push(line);
      if (errors.length > linesKept) errors.shift();
    });
  const said = (): string =>
    `${lines
      .slice(-5)
      .map((line) => JSON.stringify(line).slice(0, 500))
      .join("\n")}\n${errors.slice(-15).join("\n")}`;
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return {
    lines,
    exited,
    command: (line) => void child.stdin?.write(`${line}\n`),
    kill,
    async until(what, fits) {
      const deadline = new AbortController();
      const found = new Promise<Line>((resolveLine, reject) => {
        const look = (): void => {
          while (told < lines.length) {
            const line = lines[told++];
            if (line !== undefined && fits(line)) {
              waiting.delete(look);
              resolveLine(line);
              return;
            }
          }
        };
        waiting.add(look);
        look();
        const fail = (why: string) => () => {
          waiting.delete(look);
          reject(new Error(`waited for ${what}: ${why}\n${said()}`));
        };
        void exited.then(fail("the program ended"));
        void systemClock.sleep(waitMsMax, deadline.signal).then(fail("it did not come"), () => {});
      });
      try {
        return await found;
      } finally {
        deadline.abort();
      }
    },
    [Symbol.asyncDispose]: kill,
  };
}
