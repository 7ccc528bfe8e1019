export type { ConnectionOptions, TlsOptions } from "./connection-options.ts";
export { externalDatabase } from "./external-database.ts";
export type { EmbeddedPostgres } from "./open-folder.ts";
export { runningEmbedded } from "./running-embedded.ts";
export { openEmbedded, type OpenEmbeddedOptions } from "./open-embedded.ts";
