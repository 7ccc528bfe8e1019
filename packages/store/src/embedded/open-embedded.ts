import { openFolder, type EmbeddedPostgres, type OpenFolderInput } from "./open-folder.ts";
import { productSettings } from "./settings.ts";

export interface OpenEmbeddedOptions extends Omit<OpenFolderInput, "settings" | "endsWithParent"> {
  /** PostgreSQL's own cache, in MiB. Default 32. */
  readonly sharedBuffersMiB?: number;
  /** Most connections at a time, those of people included. Default 40. */
  readonly connectionsMax?: number;
}

/**
 * Opens the PostgreSQL that lives in `dataDir` (design.md S9): makes the folder on first use, takes over a server that a killed control plane left
 * there, or starts one. Resolves when it accepts connections.
 *
 * Errors: `TP_DATABASE_FOLDER_IN_USE` (another process has the folder), `TP_DATABASE_FOLDER_INVALID`, `TP_DATABASE_FOLDER_UNREACHABLE` (as root),
 * `TP_TOOL_MISSING` (no PostgreSQL of the right version), `TP_DATABASE_START_FAILED`.
 *
 *     await using database = await openEmbedded({ dataDir, exec: systemExec, clock: systemClock, log });
 *     const pool = new pg.Pool(database.connectionOptions);
 */
export async function openEmbedded(options: OpenEmbeddedOptions): Promise<EmbeddedPostgres> {
  const { sharedBuffersMiB = productSettings.sharedBuffersMiB, connectionsMax = productSettings.connectionsMax, ...input } = options;
  return openFolder({ ...input, settings: { ...productSettings, sharedBuffersMiB, connectionsMax }, endsWithParent: false });
}
