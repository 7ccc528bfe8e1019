import { join, resolve } from "node:path";
import { PlatformError } from "@threeport/resource";

/** Where Kubernetes' binaries are, or are had from. */
export interface BinariesPlace {
  /** Threeport's cache folder. Default `~/.cache/threeport`. */
  readonly cacheDir?: string;
  /** Binaries that somebody put there. When given, it must be complete: nothing is had instead of what was asked for. */
  readonly folder?: string;
  /** The one way to get them; by default releases first, then a build. */
  readonly source?: "release" | "build";
  /** Base address of a mirror: files are at `<mirror>/<host>/<path>` of their official address. */
  readonly mirror?: URL;
  /** HTTPS_PROXY and NO_PROXY are followed. */
  readonly proxies?: Readonly<Record<string, string | undefined>>;
  /** PEM of authorities to trust in place of the system's. */
  readonly authorities?: string;
}

/**
 * What the environment says of it: THREEPORT_KUBERNETES_BIN, THREEPORT_KUBERNETES_SOURCE, THREEPORT_KUBERNETES_MIRROR, XDG_CACHE_HOME.
 * @throws PlatformError TP_USAGE naming the variable
 */
export function binariesPlace(environment: Readonly<Record<string, string | undefined>>): BinariesPlace {
  const value = (name: string): string | undefined => environment[name] || undefined;
  const cache = value("XDG_CACHE_HOME");
  const folder = value("THREEPORT_KUBERNETES_BIN");
  const source = sourceOf(value("THREEPORT_KUBERNETES_SOURCE"));
  const mirror = mirrorOf(value("THREEPORT_KUBERNETES_MIRROR"));
  return {
    proxies: environment,
    ...(cache === undefined ? {} : { cacheDir: join(cache, "threeport") }),
    ...(folder === undefined ? {} : { folder: resolve(folder) }),
    ...(source === undefined ? {} : { source }),
    ...(mirror === undefined ? {} : { mirror }),
  };
}

function sourceOf(text: string | undefined): BinariesPlace["source"] {
  if (text === undefined || text === "release" || text === "build") return text;
  throw new PlatformError("TP_USAGE", {
    message: `THREEPORT_KUBERNETES_SOURCE is ${JSON.stringify(text)}; it takes release or build, and unset tries the release first`,
  });
}

function mirrorOf(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" && url.search === "" && url.hash === "") return url;
  throw new PlatformError("TP_USAGE", {
    message: "THREEPORT_KUBERNETES_MIRROR must be an https address without a query, for example https://mirror.example.com/releases",
  });
}
