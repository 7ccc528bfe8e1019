import { randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { systemInstallations } from "./binaries.ts";
import type { ConnectionOptions } from "./connection-options.ts";

/** Variables by which a person's environment would lead pg_dump to another server. */
const notFromOutside = { PGHOSTADDR: undefined, PGSERVICE: undefined, PGSSLMODE: undefined, PGOPTIONS: undefined };

export interface BackupInput {
  /** Of an embedded server (a socket); who brings a database of their own backs it up by their own means. */
  readonly connectionOptions: ConnectionOptions;
  /** Version of the server, for example `18.4`: pg_dump reads its own version and older ones. */
  readonly version: string;
  readonly file: string;
  readonly exec: Exec;
  /** Configured folder of PostgreSQL's programs (PG_BIN_DIR); looked at before the system's. */
  readonly pgBinDir?: string;
  readonly signal?: AbortSignal;
}

/**
 * Writes a consistent copy of the database to `file` while it is in use: whole or not at all, readable by us only. The format is pg_dump's own, which
 * later majors restore, so this is also the first half of a major upgrade. Throws `TP_TOOL_MISSING` where there is no fitting pg_dump: the
 * npm package has none.
 */
export async function dumpFolder(input: BackupInput): Promise<void> {
  const program = await clientProgram("pg_dump", input);
  const draft = `${input.file}.${randomUUID()}.draft`;
  try {
    await (await open(draft, "wx", 0o600)).close();
    await run(program, [`--file=${draft}`, "--format=custom", "--no-owner", "--no-privileges"], input);
    await sync(draft);
    await rename(draft, input.file);
    await sync(dirname(input.file));
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Replaces what the database holds by the copy in `file`, in one transaction: when it fails, nothing has changed. No control plane may be at work in
 * it. Who calls this must then move the store's version counter ahead (design.md S9), or watchers take old numbers for new ones.
 */
export async function restoreFolder(input: BackupInput): Promise<void> {
  await stat(input.file).catch((cause: unknown) => {
    throw new PlatformError("TP_BAD_REQUEST", { message: `The backup ${input.file} cannot be read.`, cause });
  });
  const program = await clientProgram("pg_restore", input);
  await run(program, ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", input.file], input);
}

async function clientProgram(name: "pg_dump" | "pg_restore", { version, pgBinDir, exec }: BackupInput): Promise<string> {
  const major = Number.parseInt(version, 10);
  const candidates = [
    ...(pgBinDir === undefined ? [] : [pgBinDir]),
    ...(await systemInstallations([name])).toSorted((a, b) => b.major - a.major).map(({ binDir }) => binDir),
  ];
  for (const binDir of candidates) {
    const program = join(binDir, name);
    const answer = await exec.run(program, ["--version"]).catch(() => undefined); // PG_BIN_DIR may hold the server's programs only
    if (answer?.code === 0 && Number(/ (\d+)/.exec(answer.stdout)?.[1]) >= major) return program;
  }
  throw new PlatformError("TP_TOOL_MISSING", {
    message: `A backup needs ${name} of PostgreSQL ${major} or newer, and none was found (the npm package holds the server only). Install it (Debian: apt install postgresql-client-${major}), or set PG_BIN_DIR to the folder that holds it.`,
    detail: { program: name, major },
  });
}

async function run(program: string, args: readonly string[], { connectionOptions, exec, signal }: BackupInput): Promise<void> {
  const { host, port, user, database, password } = connectionOptions;
  const result = await exec.run(program, ["--no-password", `--dbname=${database}`, ...args], {
    env: { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, ...notFromOutside, LC_ALL: "C" },
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.code === 0) return;
  throw new PlatformError("TP_DATABASE_UNAVAILABLE", { message: `${program} failed: ${result.stderr.trim()}`, detail: { code: result.code } });
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
