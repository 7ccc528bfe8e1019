import type { IncomingMessage } from "node:http";
import { rfc3339Micro, type Clock } from "@threeport/platform";
import type { Session } from "../http/authenticate.ts";
import type { Attributes } from "./attributes.ts";

/** Who did what, and what came of it: writes, and whatever was refused to somebody. Never a body, a token or a value. */
export interface AuditEntry {
  readonly time: string;
  /** On whose behalf; undefined for who was not recognised. */
  readonly user: string | undefined;
  /** Whose credential it was, when he impersonated `user`. */
  readonly impersonatedBy: string | undefined;
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string;
  readonly name?: string;
  /** Of what is no resource, or was refused before that was known. */
  readonly path?: string;
  readonly dryRun: true | undefined;
  readonly status: number;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

/** What is known of a request by now. */
export interface Noted {
  session?: Session;
  attributes?: Attributes;
}

/** Characters of what a client sent that an entry repeats. */
const shownMax = 200;
/** A stream to a program or a port was opened: not a read. */
const switched = 101;
const refusals: ReadonlySet<number> = new Set([401, 403, 429]);

/** The entry of a request; undefined for one that is not written down. `answer` is the text of what was created. */
export function auditEntry(
  clock: Clock,
  request: IncomingMessage,
  { session, attributes }: Noted,
  outcome: { readonly status: number; readonly answer?: string },
): AuditEntry | undefined {
  const { status } = outcome;
  const { method = "", url = "" } = request;
  const asks =
    attributes !== undefined && "group" in attributes && (attributes.group === "authorization.k8s.io" || attributes.resource === "selfsubjectreviews");
  if (!refusals.has(status) && status !== switched && (method === "GET" || method === "HEAD" || asks)) return undefined;
  const { user, authenticated } = session ?? {};
  return {
    time: rfc3339Micro(clock.now()),
    user: user?.name,
    impersonatedBy: authenticated?.name === user?.name ? undefined : authenticated?.name,
    ...whatOf(attributes, method, url, outcome.answer),
    dryRun: /[?&]dryRun=All(?:&|$)/.test(url) ? true : undefined,
    status,
    address: request.socket.remoteAddress,
    userAgent: request.headers["user-agent"]?.slice(0, shownMax),
  };
}

function whatOf(attributes: Attributes | undefined, method: string, url: string, answer: string | undefined): Pick<AuditEntry, "verb" | "path" | "name"> {
  if (attributes === undefined || "path" in attributes)
    return { verb: attributes?.verb ?? method.toLowerCase(), path: url.split("?", 1)[0]?.slice(0, shownMax) ?? "" };
  const { name } = attributes;
  return { ...attributes, name: name === "" && attributes.verb === "create" ? createdName(answer) : name.slice(0, shownMax) };
}

/** The name that the answer to a create begins with; "" where it is not to be had without reading all of it. */
function createdName(answer: string | undefined): string {
  return /^\{[^{}]*"metadata":\{[^{}]*?"name":"([^"\\]{1,253})"/.exec(answer?.slice(0, 1_000) ?? "")?.[1] ?? "";
}
