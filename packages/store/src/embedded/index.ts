export { type BackupInput, dumpFolder, restoreFolder } from "./backup.ts";
export type { ConnectionOptions, TlsOptions } from "./connection-options.ts";
export { externalDatabase } from "./external-database.ts";
export type { EmbeddedPostgres } from "./open-folder.ts";
export { openEmbedded, type OpenEmbeddedOptions } from "./open-embedded.ts";
