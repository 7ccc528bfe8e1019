import type { ConnectionConfig } from "../../../packages/client/src/index.ts";

/** A server to be measured, with everything that belongs to it. Disposing ends its processes and removes its files. */
export interface SystemUnderTest extends AsyncDisposable {
  readonly name: string;
  readonly connection: ConnectionConfig;
  /** Processes whose trees are the system: the server and its database. */
  readonly roots: readonly number[];
  /** How it was started, for the reader of the numbers. */
  readonly settings: string;
}
