import { readFileSync } from "node:fs";
import { PlatformError } from "@threeport/resource";
import type { ConnectionOptions, TlsOptions } from "./connection-options.ts";

const portDefault = 5432;
/** Stands in for a host that the URL leaves to a parameter. */
const hostInParameter = "host-in-parameter.invalid";
/** Parameters that we understand; any other one is refused, because ignoring it would connect in another way than asked for. */
const parametersKnown = new Set(["host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "application_name"]);

/**
 * Reads a `DATABASE_URL` such as `postgres://user:password@db.example.com:5432/threeport?sslmode=verify-full`, or with a socket
 * folder `postgres:///threeport?host=/run/postgresql&user=threeport`. Throws `TP_BAD_REQUEST`; no message shows the password.
 */
export function externalDatabase(url: string): ConnectionOptions {
  let parsed: URL;
  try {
    parsed = new URL(url.replace(/^(\w+:\/\/[^/]*@)\//, `$1${hostInParameter}/`)); // `user:password@/database?host=…` is common, but no URL
  } catch {
    throw invalid("it is not a URL (special characters of the password must be percent-encoded)");
  }
  if (parsed.protocol !== "postgres:" && parsed.protocol !== "postgresql:") throw invalid("it must begin with postgres://");
  for (const name of parsed.searchParams.keys()) {
    if (!parametersKnown.has(name)) throw invalid(`the parameter ${name} is not supported; known are ${[...parametersKnown].join(", ")}`);
  }
  const parameter = (name: string) => parsed.searchParams.get(name) ?? undefined;
  const host = parameter("host") ?? decoded(parsed.hostname.replace(/^\[|\]$/g, "")).replace(hostInParameter, "");
  const user = parameter("user") ?? decoded(parsed.username);
  const database = parameter("dbname") ?? decoded(parsed.pathname.slice(1));
  const password = parameter("password") ?? decoded(parsed.password);
  if (host === "") throw invalid("the host is missing");
  if (host.includes(",")) throw invalid("several hosts are not supported; give the address that follows the primary");
  if (user === "") throw invalid("the user is missing");
  if (database === "") throw invalid("the name of the database is missing");
  const ssl = tls(parameter("sslmode"), parameter("sslrootcert"), host.startsWith("/"));
  const applicationName = parameter("application_name");
  return {
    host,
    port: portOf(parameter("port") ?? parsed.port),
    user,
    database,
    ...(password === "" ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(applicationName === undefined ? {} : { application_name: applicationName }),
  };
}

function portOf(text: string): number {
  if (text === "") return portDefault;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid("the port must be a number from 1 to 65535");
  return port;
}

function tls(mode: string | undefined, caFile: string | undefined, isSocket: boolean): TlsOptions | false | undefined {
  if (isSocket) return false;
  const ca = caFile === undefined ? {} : { ca: readCa(caFile) };
  switch (mode) {
    case undefined:
      return caFile === undefined ? undefined : { rejectUnauthorized: true, ...ca };
    case "disable":
      return false;
    case "require": // with a root certificate libpq checks it too, so do we
      return { rejectUnauthorized: caFile !== undefined, ...ca };
    case "verify-ca":
    case "verify-full":
      return { rejectUnauthorized: true, ...ca };
    default:
      throw invalid("sslmode must be disable, require, verify-ca or verify-full (the modes that fall back to plain text are not supported)");
  }
}

function readCa(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `DATABASE_URL: the file that sslrootcert names cannot be read: ${file}`, cause });
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("a percent-encoded part cannot be decoded");
  }
}

function invalid(why: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", { message: `DATABASE_URL cannot be used: ${why}` });
}
