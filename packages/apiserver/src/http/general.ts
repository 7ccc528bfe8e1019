import { createHash } from "node:crypto";
import { PlatformError } from "@threeport/resource";
import { parseAccept, takes } from "./accept.ts";
import type { WholeAnswer } from "./answer-with.ts";
import { aggregatedDiscovery, coreVersions, groupDocument, groupList, resourceList, type AggregatedVersion, type Offer } from "./discovery.ts";
import { jsonForm } from "./openapi/assemble-v2.ts";
import { createOpenApi } from "./openapi/create-open-api.ts";
import { openApiV2Protobuf, protobufForm } from "./openapi/v2-protobuf.ts";

export interface GeneralRequest {
  /** Without a slash at the end. */
  readonly path: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** Of an address from the OpenAPI index: the content that the client expects there. */
  readonly hash: string | undefined;
}

/** Discovery, OpenAPI, version: what is no object. Undefined when there is nothing at the path. */
export type GeneralDocuments = (request: GeneralRequest) => Promise<WholeAnswer | undefined>;

interface Document {
  readonly body: Buffer;
  readonly contentType: string;
  /** What the document is known by: a digest of its content. */
  readonly hash: string;
}

/** For a server that stands for a Kubernetes of some release. */
export interface KubernetesRelease {
  /** For example `v1.36.4`. */
  readonly gitVersion: string;
}

/** Documents are made when somebody asks, and kept until the kinds change. */
export function createGeneralDocuments(offer: Offer, version: string | KubernetesRelease): GeneralDocuments {
  const openApi = createOpenApi(offer);
  let revision = -1;
  let kept = new Map<string, Document | undefined>();

  function find(key: string, make: () => { value: object | undefined; contentType?: string }): Document | undefined {
    if (offer.registry.revision !== revision) {
      kept = new Map();
      revision = offer.registry.revision;
    }
    if (kept.has(key)) return kept.get(key);
    const { value, contentType = "application/json" } = make();
    if (value === undefined) return undefined; // not kept: anybody can ask for any path
    const body = Buffer.from(JSON.stringify(value));
    const document = { body, contentType, hash: createHash("sha256").update(body).digest("hex").toUpperCase() };
    kept.set(key, document);
    return document;
  }

  return async ({ path, accept, ifNoneMatch, hash: expectedHash }) => {
    if (path === "/api" || path === "/apis") {
      const aggregated = acceptedDiscovery(accept);
      const document =
        aggregated === undefined
          ? find(path, () => ({ value: path === "/api" ? coreVersions() : groupList(offer) }))
          : find(`${path} ${aggregated}`, () => ({
              value: aggregatedDiscovery(offer, path === "/api" ? "core" : "named", aggregated),
              contentType: `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList`,
            }));
      return document && answer(document, ifNoneMatch, { vary: true });
    }
    if (path === "/openapi/v2") {
      const form = acceptsBinary(accept) ? protobufForm : jsonForm;
      const hash = openApi.v2Hash(form);
      const body = isKnown(hash, ifNoneMatch) ? Buffer.alloc(0) : await openApi.v2(form);
      return answer({ body, contentType: form.contentType, hash }, ifNoneMatch, { vary: true });
    }
    if (path.startsWith("/openapi/v3/")) {
      const place = path.slice("/openapi/v3/".length);
      const expected = openApi.hashOf(place);
      if (expected === undefined) return undefined;
      requireJson(accept);
      // A client that was told of other content is sent to what there is now, which it may then keep for ever.
      if (expectedHash !== undefined && expectedHash !== expected)
        return { status: 301, headers: ["Location", `${path}?hash=${expected}`, "Cache-Control", "no-cache"], body: "" };
      const document = { body: openApi.document(place), contentType: "application/json", hash: expected };
      return answer(document, ifNoneMatch, { vary: true, ...(expectedHash === undefined ? {} : { cache: "public, immutable, max-age=31536000" }) });
    }
    const document = find(path, () => ({ value: simpleDocument(path) }));
    return document && answer(document, ifNoneMatch, {});
  };

  function simpleDocument(path: string): object | undefined {
    switch (path) {
      case "/":
        return { paths: rootPaths() };
      case "/version":
        return versionInfo(version);
      case "/openapi/v3":
        return openApi.index();
    }
    const [first, group = "", groupVersion = "", ...rest] = path.split("/").slice(1);
    if (rest.length > 0) return undefined;
    if (first === "api" && groupVersion === "") return resourceList(offer, "", group);
    if (first !== "apis" || group === "") return undefined;
    return groupVersion === "" ? groupDocument(offer, group) : resourceList(offer, group, groupVersion);
  }

  function rootPaths(): string[] {
    const groups = offer.registry.groups().flatMap(({ group, versions }) => {
      const base = group === "" ? "/api" : `/apis/${group}`;
      return [base, ...versions.map((name) => `${base}/${name}`)];
    });
    return [...new Set([...groups, "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"])].sort();
  }
}

/** The client has the document. */
function isKnown(hash: string, ifNoneMatch: string | undefined): boolean {
  return (ifNoneMatch ?? "").split(",").some((entry) => entry.trim().replace(/^W\//, "") === `"${hash}"`);
}

function answer(
  document: Document,
  ifNoneMatch: string | undefined,
  { cache = "no-cache, private", vary = false }: { cache?: string; vary?: boolean },
): WholeAnswer {
  const etag = `"${document.hash}"`;
  const headers = ["ETag", etag, "Cache-Control", cache, ...(vary ? ["Vary", "Accept"] : [])];
  return { status: isKnown(document.hash, ifNoneMatch) ? 304 : 200, headers, contentType: document.contentType, body: document.body };
}

/** The aggregated form that the client likes best; undefined for the plain one. */
function acceptedDiscovery(accept: string | undefined): AggregatedVersion | undefined {
  if (accept === undefined || accept === "") return undefined;
  for (const accepted of parseAccept(accept)) {
    if (!takes(accepted, "application/json")) continue;
    const { g, v, as } = accepted.parameters;
    if (as === undefined) return undefined;
    if (as === "APIGroupDiscoveryList" && g === "apidiscovery.k8s.io" && (v === "v2" || v === "v2beta1")) return v;
  }
  throw notAcceptable(accept);
}

/** Whether the client would rather have OpenAPI v2 in its binary form; client-go reads no other. */
function acceptsBinary(accept: string | undefined): boolean {
  if (accept === undefined || accept === "") return false;
  for (const accepted of parseAccept(accept)) {
    if (accepted.type.replace("v2@v1.0", "v2.v1.0") === openApiV2Protobuf) return true;
    if (takes(accepted, "application/json")) return false;
  }
  throw notAcceptable(accept);
}

function requireJson(accept: string | undefined): void {
  if (accept === undefined || accept === "") return;
  if (!parseAccept(accept).some((accepted) => takes(accepted, "application/json"))) throw notAcceptable(accept);
}

function notAcceptable(accept: string): PlatformError {
  return new PlatformError("TP_NOT_ACCEPTABLE", { message: `only application/json is served here; the request accepts ${accept.slice(0, 200)}` });
}

/** The Kubernetes whose API we speak, for clients that decide by version; our own is behind the `+`. */
function versionInfo(version: string | KubernetesRelease): object {
  const gitVersion = typeof version === "string" ? `v1.36.0+threeport-${version}` : version.gitVersion;
  const [major = "", minor = ""] = gitVersion.slice(1).split(".");
  return {
    major,
    minor,
    gitVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "",
  };
}
