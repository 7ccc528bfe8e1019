import { homedir } from "node:os";
import { join, resolve } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a control plane of this machine keeps its files, as the server lays them out. */
export interface HomePaths {
  readonly folder: string;
  /** THREEPORT_HOME was set: then nothing outside the folder is touched. */
  readonly explicit: boolean;
  /** pid, address and start time of the running server. */
  readonly serverFile: string;
  /** The administrator's own access, written by the server at each start. */
  readonly adminKubeconfig: string;
  /** Where `tptctl up` puts the context when the home is explicit. */
  readonly kubeconfig: string;
  readonly logs: string;
  readonly serverLog: string;
}

export function homePaths(environment: Environment): HomePaths {
  const given = environment["THREEPORT_HOME"] || undefined;
  const folder = resolve(given ?? join(environment["XDG_DATA_HOME"] || join(userHome(environment), ".local", "share"), "threeport"));
  const logs = join(folder, "logs");
  return {
    folder,
    explicit: given !== undefined,
    serverFile: join(folder, "server.json"),
    adminKubeconfig: join(folder, "admin.kubeconfig"),
    kubeconfig: join(folder, "kubeconfig"),
    logs,
    serverLog: join(logs, "server.log"),
  };
}

/** The kubeconfig that kubectl of this user writes to: the first file of KUBECONFIG, or ~/.kube/config. */
export function userKubeconfigPath(environment: Environment): string {
  return userKubeconfigPaths(environment)[0] ?? join(userHome(environment), ".kube", "config");
}

/** All files that kubectl of this user reads, in its order. */
export function userKubeconfigPaths(environment: Environment): string[] {
  const listed = (environment["KUBECONFIG"] ?? "").split(":").filter((path) => path !== "");
  return listed.length > 0 ? listed.map((path) => resolve(path)) : [join(userHome(environment), ".kube", "config")];
}

/** Where Node keeps compiled code, of tptctl and of the server that it starts. */
export function compiledFolder(environment: Environment): string {
  return environment["NODE_COMPILE_CACHE"] || join(environment["XDG_CACHE_HOME"] || join(userHome(environment), ".cache"), "threeport", "compiled");
}

function userHome(environment: Environment): string {
  return environment["HOME"] || homedir();
}
