import { mkdir } from "node:fs/promises";
import type { Exec, RunOptions, StartOptions } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { Installation } from "./binaries.ts";
import type { Layout } from "./layout.ts";
import { barriersTo, openBarriersScript, quote } from "./reach.ts";
import type { ServerUser } from "./server-user.ts";

/** How a program of PostgreSQL is started so that it runs as the server's user, and as the very process that we start (its pid is ours to signal). */
export interface Launcher {
  compose(program: string, args: readonly string[]): LaunchCommand;
  /** Call when a program failed at once: throws the clear error if the reason is that the server's user cannot get to the folder. */
  diagnose(): Promise<void>;
}

export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: Pick<RunOptions & StartOptions, "cwd" | "env" | "uid" | "gid">;
}

export interface LauncherInput {
  readonly layout: Layout;
  readonly installation: Installation;
  readonly user: ServerUser;
  readonly exec: Exec;
  /** Linux only: the program gets SIGINT when the thread that started it ends. For servers that must not outlive a test run. */
  readonly endsWithParent: boolean;
}

/**
 * Three ways, the plainest that works: as ourselves; as another user; and, where that user may not pass a folder above (a home of mode 0700),
 * in a private mount namespace that shows it the data folder and the programs only.
 */
export async function makeLauncher({ layout, installation, user, exec, endsWithParent }: LauncherInput): Promise<Launcher> {
  const env = {
    LC_ALL: "C", // messages that we read, and initdb's locale
    ...(installation.libraryPath === undefined ? {} : { LD_LIBRARY_PATH: installation.libraryPath, DYLD_LIBRARY_PATH: installation.libraryPath }),
  };
  const ends = endsWithParent && process.platform === "linux" ? ["--pdeathsig", "INT"] : [];
  const options = { cwd: "/", env };
  if (!user.foreign) {
    return {
      compose: (program, args) =>
        ends.length === 0 ? { command: program, args, options } : { command: "setpriv", args: [...ends, "--", program, ...args], options },
      diagnose: async () => {},
    };
  }
  const barriers = await barriersTo([layout.dataDir, installation.root], user);
  for (const { folder, behind } of barriers) if (behind.includes(folder) || folder === "/") throw unreachableFolder(folder, user);
  const identity = ["--reuid", String(user.uid), "--regid", String(user.gid), "--clear-groups", "--no-new-privs", ...ends];
  if (barriers.length === 0) {
    return {
      compose: (program, args) =>
        ends.length === 0
          ? { command: program, args, options: { ...options, uid: user.uid, gid: user.gid } }
          : { command: "setpriv", args: [...identity, "--", program, ...args], options },
      diagnose: async () => {},
    };
  }
  await mkdir(layout.stage, { recursive: true, mode: 0o700 });
  const script = `${openBarriersScript(barriers, layout.stage)}\ncd /\nexec setpriv ${identity.map(quote).join(" ")} -- "$@"`;
  const compose = (program: string, args: readonly string[]): LaunchCommand => ({
    command: "unshare",
    args: ["--mount", "--propagation", "private", "--", "sh", "-c", script, "sh", program, ...args],
    options,
  });
  return {
    compose,
    async diagnose() {
      const trial = compose("true", []);
      const result = await exec.run(trial.command, trial.args, trial.options).catch((cause: unknown) => ({ code: 127, stderr: String(cause) }));
      if (result.code !== 0) throw unreachableFolder(barriers.map(({ folder }) => folder).join(", "), user, result.stderr);
    },
  };
}

function unreachableFolder(folder: string, user: ServerUser, output = ""): PlatformError {
  return new PlatformError("TP_DATABASE_FOLDER_UNREACHABLE", {
    message: `PostgreSQL does not run as root, and the user it runs as (${user.uid}) may not enter ${folder}. Set THREEPORT_HOME to a folder which that user can get to, for example /var/lib/threeport, or start the control plane as an ordinary user.`,
    detail: { folder, uid: user.uid, output: output.trim() },
  });
}
