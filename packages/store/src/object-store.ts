import type { Blobs } from "./blobs.ts";
import type { Credentials } from "./credentials.ts";
import type { Feed } from "./feed.ts";
import type { Sealer } from "./keys/sealer.ts";
import type { ListTexts } from "./list-text.ts";
import type { Reader } from "./reader.ts";
import type { References } from "./references.ts";
import type { Writer } from "./writer.ts";

/** All that the API is served from: PostgreSQL for a control plane, memory for a simulated cluster. */
export interface ObjectStore {
  readonly reader: Reader;
  /** The newest state of a kind as JSON text: for answers that nobody looks into. */
  readonly listText: ListTexts;
  readonly writer: Writer;
  readonly feed: Feed;
  readonly references: Pick<References, "referrers" | "users" | "referrersOfKind" | "dependents">;
  readonly blobs: Pick<Blobs, "put" | "get">;
  readonly credentials: Credentials;
  readonly sealer: Pick<Sealer, "digest">;
}
