import { fileURLToPath } from "node:url";

/** The control plane's own program. It is started, never imported. */
export const serverProgram = fileURLToPath(new URL("../../../server/src/main.ts", import.meta.url));
