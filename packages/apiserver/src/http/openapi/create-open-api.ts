import { createHash } from "node:crypto";
import type { Kind } from "@threeport/resource";
import type { Offer } from "../discovery.ts";
import { assembleOpenApiV2, type OpenApiV2Form } from "./assemble-v2.ts";
import { openApiDocument } from "./document.ts";
import { withReferences } from "./references.ts";

/** OpenAPI v3: an index, and one document for each group version; and v2. */
export interface OpenApi {
  /** `/openapi/v3`. The hash in an address lets clients keep what is there for ever. */
  index(): object;
  /** Changes with the document at `place` (`api/v1`, `apis/<group>/<version>`); undefined when there is none. */
  hashOf(place: string): string | undefined;
  /** JSON text of the document at a place that has a hash. */
  document(place: string): Buffer;
  /** Changes with what {@link v2} answers. */
  v2Hash(form: OpenApiV2Form): string;
  /** OpenAPI v2: all group versions in one. */
  v2(form: OpenApiV2Form): Promise<Buffer>;
}

/** A document of OpenAPI v2 up to this size is kept. */
const keptBytesMax = 4 * 1024 * 1024;

/**
 * A document is made when somebody asks for it, and kept while its kinds are the same, whatever happens to others. Its
 * hash comes from the kinds, each of which is digested once: so the index of a thousand kinds needs none of their documents,
 * and two processes with the same kinds give the same addresses.
 */
export function createOpenApi(offer: Offer): OpenApi {
  const made = new Map<string, { readonly hash: string; readonly body: Buffer }>();
  const madeV2 = new Map<string, Promise<Buffer>>();
  let revision = -1;
  let places = new Map<string, { readonly kinds: readonly Kind[]; readonly hash: string }>();

  function current(): typeof places {
    if (revision === offer.registry.revision) return places;
    revision = offer.registry.revision;
    places = new Map();
    madeV2.clear();
    for (const [place, kinds] of Map.groupBy(offer.registry.all(), placeOf)) places.set(place, { kinds, hash: digest(kinds.map(kindDigest).join()) });
    for (const place of made.keys()) if (!places.has(place)) made.delete(place);
    return places;
  }

  const v2Hash = (form: OpenApiV2Form): string => digest(form.contentType + [...current().values()].map(({ hash }) => hash).join());

  return {
    v2Hash,
    v2(form) {
      const hash = v2Hash(form);
      const known = madeV2.get(hash);
      if (known !== undefined) return known;
      // Who asks meanwhile waits for the same bytes; large ones are then let go of, since clients keep them.
      const making = assembleOpenApiV2(
        [...current().values()].map(({ kinds }) => kinds),
        offer.subresources,
        form,
      );
      madeV2.set(hash, making);
      void making.then(
        (body) => body.length > keptBytesMax && madeV2.delete(hash),
        () => madeV2.delete(hash),
      );
      return making;
    },
    index() {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const [place, { hash }] of [...current()].sort(([a], [b]) => (a < b ? -1 : 1)))
        paths[place] = { serverRelativeURL: `/openapi/v3/${place}?hash=${hash}` };
      return { paths };
    },
    hashOf: (place) => current().get(place)?.hash,
    document(place) {
      const wanted = current().get(place);
      if (wanted === undefined) throw new Error(`there is no document ${place}`);
      const known = made.get(place);
      if (known?.hash === wanted.hash) return known.body;
      const body = Buffer.from(JSON.stringify(openApiDocument(wanted.kinds, offer.subresources)));
      made.set(place, { hash: wanted.hash, body });
      return body;
    },
  };
}

function placeOf(kind: Kind): string {
  return kind.group === "" ? `api/${kind.version}` : `apis/${kind.apiVersion}`;
}

const digests = new WeakMap<Kind, string>();

function kindDigest(kind: Kind): string {
  let known = digests.get(kind);
  if (known === undefined) {
    const { apiVersion, plural, namespaced, hasStatus, scale } = kind;
    // The schema of a custom kind is not looked at: of most nobody ever asks for the document.
    const content = kind.custom?.digest ?? withReferences(kind.schema, new Map());
    known = digest(JSON.stringify([apiVersion, kind.kind, plural, namespaced, hasStatus, scale, content]));
    digests.set(kind, known);
  }
  return known;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32).toUpperCase();
}
