import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the files of one control plane are. All of it is 0700; what is secret is 0600. */
export interface Home {
  readonly folder: string;
  readonly database: string;
  readonly keys: string;
  readonly logs: string;
  /** pid, address and start time of the running server. */
  readonly serverFile: string;
  /** The administrator's kubeconfig: CA, address, token. */
  readonly adminKubeconfig: string;
  /** Folder for runtimes that this machine runs itself. */
  readonly runtimes: string;
}

export async function openHome(folder: string): Promise<Home> {
  const home: Home = {
    folder,
    database: join(folder, "database"),
    keys: join(folder, "keys"),
    logs: join(folder, "logs"),
    serverFile: join(folder, "server.json"),
    adminKubeconfig: join(folder, "admin.kubeconfig"),
    runtimes: join(folder, "runtimes"),
  };
  for (const path of [folder, home.keys, home.logs, home.runtimes]) await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  return home;
}

/** Written beside and renamed: a kill leaves the old file or the new one. Durable before this returns. */
export async function writeSecretFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

export async function writeJsonFile(path: string, value: object): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}
