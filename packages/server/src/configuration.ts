import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readFile, stat } from "node:fs/promises";
import { parse } from "yaml";
import { isCidr, PlatformError } from "@threeport/resource";

/** Everything that can be set, after flags, environment (`THREEPORT_*`) and file were brought together, in that order of precedence. */
export interface Configuration {
  /** Folder of all files of this control plane: data, keys, logs, kubeconfig. */
  readonly home: string;
  readonly host: string;
  /** 0 picks a free port; the choice is remembered in the home for the next start. */
  readonly port: number;
  /** An own PostgreSQL instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  readonly pgBinDir: string | undefined;
  readonly workers: number;
  readonly verbose: boolean;
  /** A folder or an address in which `https://host/path` is found as `host/path`, in place of the internet. */
  readonly mirror?: string | undefined;
  /** Private ranges, in CIDR form, that addresses of definitions may lead to. */
  readonly fetchFrom?: readonly string[];
  /** What one user may ask of the server; see `ServerLimits` of the API server. */
  readonly limits?: Readonly<Partial<Record<LimitName, number>>>;
  /** URL that stands in the tokens of ServiceAccounts as who made them; from the control plane's id unless said. */
  readonly issuer?: string | undefined;
}

type LimitName =
  | "requestsInFlightMax"
  | "requestsInFlightPerUserMax"
  | "requestsWaitingPerUserMax"
  | "requestsPerSecondPerUser"
  | "requestBurstPerUser"
  | "watchesPerUserMax"
  | "strangersPerAddressMax";

/** Settings of limits, by the names that the API server has for them; its defaults hold for what is not set. */
const limitSettings: ReadonlyMap<string, LimitName> = new Map([
  ["requests-in-flight", "requestsInFlightMax"],
  ["requests-in-flight-per-user", "requestsInFlightPerUserMax"],
  ["requests-waiting-per-user", "requestsWaitingPerUserMax"],
  ["requests-per-second-per-user", "requestsPerSecondPerUser"],
  ["request-burst-per-user", "requestBurstPerUser"],
  ["watches-per-user", "watchesPerUserMax"],
  ["strangers-per-address", "strangersPerAddressMax"],
]);

/** Settings that may stand in the file and, as `THREEPORT_<UPPER_CASE>`, in the environment. */
const names = ["home", "host", "port", "database-url", "pg-bin-dir", "workers", "verbose", "issuer", "mirror", "fetch-from", ...limitSettings.keys()] as const;

export const defaultPort = 7443;

/** Throws `TP_BAD_REQUEST` that names the setting, where it came from, and what it may be. */
export async function readConfiguration(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<Configuration> {
  const flags = readFlags(args);
  const file = flags["config"] ?? environment["THREEPORT_CONFIG"];
  const fromFile = file === undefined ? {} : await readFileSettings(file);
  const value = (name: string): { text: string; from: string } | undefined => {
    const flag = flags[name];
    if (flag !== undefined) return { text: flag, from: `--${name}` };
    const variable = `THREEPORT_${name.toUpperCase().replaceAll("-", "_")}`;
    const set =
      environment[variable] ?? (name === "database-url" ? environment["DATABASE_URL"] : name === "pg-bin-dir" ? environment["PG_BIN_DIR"] : undefined);
    if (set !== undefined && set !== "") return { text: set, from: variable };
    const written = fromFile[name];
    return written === undefined ? undefined : { text: written, from: `${file}: ${name}` };
  };
  return {
    home: resolve(value("home")?.text ?? defaultHome(environment)),
    host: value("host")?.text ?? "127.0.0.1",
    port: integer(value("port"), { fallback: defaultPort, min: 0, max: 65_535 }),
    databaseUrl: value("database-url")?.text,
    pgBinDir: value("pg-bin-dir")?.text,
    workers: integer(value("workers"), { fallback: 16, min: 1, max: 1_000 }),
    verbose: value("verbose")?.text === "true",
    issuer: value("issuer")?.text,
    mirror: await mirrorOf(value("mirror")),
    fetchFrom: ranges(value("fetch-from")),
    limits: readLimits(value),
  };
}

/** `$XDG_DATA_HOME/threeport`, as the XDG base directory specification places data. */
export function defaultHome(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment["XDG_DATA_HOME"] ?? join(environment["HOME"] ?? homedir(), ".local", "share"), "threeport");
}

function readFlags(args: readonly string[]): Record<string, string | undefined> {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      options: { config: { type: "string" }, ...Object.fromEntries(names.map((name) => [name, { type: name === "verbose" ? "boolean" : "string" }])) } as never,
    });
    return Object.fromEntries(Object.entries(values as Record<string, string | boolean>).map(([key, value]) => [key, String(value)]));
  } catch (error) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `${error instanceof Error ? error.message : String(error)}; known flags are ${["config", ...names].map((name) => `--${name}`).join(", ")}`,
      cause: error,
    });
  }
}

async function readFileSettings(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new PlatformError("TP_BAD_REQUEST", { message: `the configuration file ${file} cannot be read`, cause: error });
  });
  const value: unknown = parse(text, { maxAliasCount: 0 });
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    throw new PlatformError("TP_BAD_REQUEST", { message: `${file} must hold settings by name: ${names.join(", ")}` });
  for (const key of Object.keys(value as object)) {
    if (!names.includes(key)) throw new PlatformError("TP_BAD_REQUEST", { message: `${file}: unknown setting "${key}"; known are ${names.join(", ")}` });
  }
  return Object.fromEntries(Object.entries(value as object).map(([key, entry]) => [key, String(entry)]));
}

/** A folder is known by its absolute path: what is running may stand somewhere else. */
async function mirrorOf(given: { text: string; from: string } | undefined): Promise<string | undefined> {
  if (given === undefined || /^https?:\/\//.test(given.text)) return given?.text;
  const folder = resolve(given.text);
  if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return folder;
  throw new PlatformError("TP_BAD_REQUEST", { message: `${given.from} must be a folder that is there, or an https address, not "${given.text}"` });
}

function ranges(given: { text: string; from: string } | undefined): readonly string[] {
  const all = (given?.text ?? "").split(",").map((range) => range.trim());
  const wrong = all.find((range) => range !== "" && !isCidr(range));
  if (wrong !== undefined)
    throw new PlatformError("TP_BAD_REQUEST", { message: `${given?.from ?? ""} must be ranges such as 10.0.0.0/8, joined by commas, not "${wrong}"` });
  return all.filter((range) => range !== "");
}

function readLimits(value: (name: string) => { text: string; from: string } | undefined): Partial<Record<LimitName, number>> {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const [setting, name] of limitSettings) {
    const given = value(setting);
    if (given !== undefined) limits[name] = integer(given, { fallback: 0, min: 1, max: 1_000_000 });
  }
  return limits;
}

function integer(given: { text: string; from: string } | undefined, range: { fallback: number; min: number; max: number }): number {
  if (given === undefined) return range.fallback;
  const value = Number(given.text);
  if (!/^\d+$/.test(given.text) || value < range.min || value > range.max)
    throw new PlatformError("TP_BAD_REQUEST", { message: `${given.from} must be a whole number from ${range.min} to ${range.max}, not "${given.text}"` });
  return value;
}
