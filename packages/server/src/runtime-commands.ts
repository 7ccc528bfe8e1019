import { loadRuntimeImage } from "@threeport/module-runtime";
import { PlatformError } from "@threeport/resource";
import type { ProgramCommand } from "./database-commands.ts";
import { openHome } from "./home.ts";
import { localOptions } from "./local-options.ts";

/** Commands of the server's program that work on the local clusters of a home, beside a running control plane. */
export const runtimeCommands: Readonly<Record<string, ProgramCommand>> = {
  "load-image": {
    words: 3,
    async run([, name, file], configuration, tools) {
      if (name === undefined || file === undefined || name.startsWith("-") || file.startsWith("-"))
        throw new PlatformError("TP_USAGE", { message: "load-image takes a runtime and a file: load-image NAME FILE" });
      // A name is one folder, whatever it says.
      if (!/^[a-z0-9][a-z0-9.-]{0,252}$/.test(name))
        throw new PlatformError("TP_USAGE", { message: `${JSON.stringify(name.slice(0, 60))} cannot be the name of a runtime` });
      const names = await loadRuntimeImage(localOptions(await openHome(configuration.home), tools), name, file);
      return names.length === 0 ? `${file} is loaded into runtime ${name}` : names.map((image) => `${image} is in runtime ${name}`).join("\n");
    },
  },
};
