import { PlatformError, type Kind } from "@threeport/resource";
import type { Registry } from "../registry.ts";

/** A URL of the resource API, taken apart. */
export interface Route {
  readonly kind: Kind;
  /** undefined: all namespaces. "" for cluster-scoped kinds. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** `/api/v1/…` and `/apis/<group>/<version>/…`; `TP_NOT_FOUND` for what this server does not serve. */
export function parseRoute(registry: Registry, path: string): Route {
  const segments = plainPath.test(path) ? path.slice(1).split("/") : path.split("/").slice(1).map(decode);
  const core = segments[0] === "api";
  const [group, version] = core ? ["", segments[1] ?? ""] : [segments[1] ?? "", segments[2] ?? ""];
  if (!core && group === "") throw unknown(path); // the core group has one address only
  const rest = segments.slice(core ? 2 : 3);
  if (rest.at(-1) === "") rest.pop();
  const find = (plural: string | undefined): Kind | undefined => (plural === undefined ? undefined : registry.byPlural(group, version, plural));

  if (rest[0] === "namespaces" && rest.length > 2 && !(core && isNamespaceSubresource(rest))) {
    const kind = find(rest[2]);
    if (kind?.namespaced === true && rest.length <= 5) return { kind, namespace: rest[1] ?? "", name: rest[3], subresource: rest[4] };
    throw unknown(path);
  }
  const kind = find(rest[0]);
  if (kind === undefined || rest.length > 3) throw unknown(path);
  if (kind.namespaced) {
    if (rest.length === 1) return { kind, namespace: undefined, name: undefined, subresource: undefined };
    throw unknown(path);
  }
  return { kind, namespace: "", name: rest[1], subresource: rest[2] };
}

/** Nearly every path: nothing to decode, and nothing in it that could be refused. */
const plainPath = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/;

/** `/api/v1/namespaces/x/status` is a subresource of the namespace, not a collection in it. */
function isNamespaceSubresource(rest: readonly string[]): boolean {
  return rest.length === 3 && (rest[2] === "status" || rest[2] === "finalize");
}

function unknown(path: string): PlatformError {
  return new PlatformError("TP_NOT_FOUND", {
    message: `the server could not find the requested resource (${path.slice(0, 200)}); see "kubectl api-resources"`,
  });
}

/** Percent-decoding that cannot smuggle a separator or a control character into a name. */
function decode(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch (error) {
    throw new PlatformError("TP_BAD_REQUEST", { message: "the URL is not valid percent-encoding", cause: error });
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[/\\|\u0000-\u001f]/.test(text) || text === "." || text === "..")
    throw new PlatformError("TP_BAD_REQUEST", { message: `invalid path segment ${JSON.stringify(text).slice(0, 100)}` });
  return text;
}
