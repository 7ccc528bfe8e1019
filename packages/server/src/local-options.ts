import { join } from "node:path";
import type { LocalProviderOptions } from "@threeport/module-runtime";
import type { Home } from "./home.ts";
import type { Tools } from "./tools.ts";

/** Where local clusters of a home keep their things. */
export function localOptions(home: Home, { exec, environment }: Pick<Tools, "exec" | "environment">): LocalProviderOptions {
  return {
    exec,
    folder: home.runtimes,
    imagesFolder: join(home.folder, "images"),
    volumesFolder: join(home.folder, "volumes"),
    cacheDir: environment["XDG_CACHE_HOME"] === undefined ? undefined : join(environment["XDG_CACHE_HOME"], "threeport"),
    binariesFolder: environment["THREEPORT_KUBERNETES_BIN"],
  };
}
