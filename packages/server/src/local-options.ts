import { join } from "node:path";
import type { HelmOptions } from "@threeport/module-helm";
import { binariesPlace, type LocalProviderOptions } from "@threeport/module-runtime";
import type { Home } from "./home.ts";
import type { Tools } from "./tools.ts";

/** Where local clusters of a home keep their things. */
export function localOptions(home: Home, { exec, clock, random, environment }: Tools): LocalProviderOptions {
  return {
    exec,
    clock,
    random,
    folder: home.runtimes,
    imagesFolder: join(home.folder, "images"),
    volumesFolder: join(home.folder, "volumes"),
    binaries: binariesPlace(environment),
  };
}

/** Where charts are kept, and the program that renders them. */
export function helmOptions(home: Home, { exec, clock, random, environment, log }: Tools): Omit<HelmOptions, "fetcher"> {
  return {
    exec,
    clock,
    random,
    folder: join(home.folder, "helm"),
    place: binariesPlace(environment),
    searchPath: environment["PATH"],
    program: environment["THREEPORT_HELM"] || undefined,
    onProgress: (line) => log.info(line),
  };
}
