import { isMap, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import { PlatformError } from "@threeport/resource";

// Our entry in a kubeconfig that belongs to the user: cluster, user and context, added and removed without touching
// anything else. Comments and the order of what others wrote stay.

export const contextName = "threeport";
const clusterName = "threeport";
const userName = "threeport-admin";

/** How the control plane is reached. */
export interface Access {
  readonly server: string;
  /** Base64 of the PEM. It tells control planes apart: each has a CA of its own. */
  readonly caData: string;
  readonly token: string;
}

/** Kubeconfigs with hundreds of clusters stay below; what is larger is no kubeconfig. */
const textLengthMax = 4 * 1024 * 1024;

/** What the server's own kubeconfig says. @throws PlatformError TP_KUBECONFIG_INVALID */
export function accessOf(adminKubeconfig: string): Access {
  const document = open(adminKubeconfig);
  const cluster = bodyOf(document, "clusters", clusterName);
  const [server, caData, token] = [cluster?.["server"], cluster?.["certificate-authority-data"], bodyOf(document, "users", userName)?.["token"]];
  if (typeof server !== "string" || typeof caData !== "string" || typeof token !== "string")
    throw invalid("the control plane's own kubeconfig is not complete; tptctl down and up write it anew");
  return { server, caData, token };
}

/** Whether a kubeconfig has a context of our name, whoever's. */
export function hasContext(text: string): boolean {
  return bodyOf(open(text), "contexts", contextName) !== undefined;
}

export interface Merged {
  readonly text: string;
  readonly changed: boolean;
  /** The context became the current one, because there was none. */
  readonly current: boolean;
}

/**
 * The kubeconfig with our entry as `access` says. Undefined when the context of that name belongs to another control plane, which is left alone.
 * @throws PlatformError TP_KUBECONFIG_INVALID when the text is no kubeconfig
 */
export function withContext(text: string | undefined, access: Access): Merged | undefined {
  const document = open(text === undefined || text.trim() === "" ? "apiVersion: v1\nkind: Config\n" : text);
  if (!mayReplace(document, access)) return undefined;
  const put = [
    putEntry(document, "clusters", { name: clusterName, member: "cluster", body: { server: access.server, "certificate-authority-data": access.caData } }),
    putEntry(document, "users", { name: userName, member: "user", body: { token: access.token } }),
    // The namespace that the user chose for the context stays.
    putEntry(document, "contexts", {
      name: contextName,
      member: "context",
      body: { ...bodyOf(document, "contexts", contextName), cluster: clusterName, user: userName },
    }),
  ];
  const chosen: unknown = document.get("current-context");
  const current = chosen === undefined || chosen === null || chosen === "";
  if (current) document.set("current-context", contextName);
  const changed = current || put.includes(true);
  return { text: changed ? document.toString({ lineWidth: 0 }) : (text ?? ""), changed, current };
}

/** The kubeconfig without our entry; undefined when it has none, or one of another control plane. */
export function withoutContext(text: string, access: Pick<Access, "caData">): string | undefined {
  const document = open(text);
  if (bodyOf(document, "clusters", clusterName)?.["certificate-authority-data"] !== access.caData) return undefined;
  for (const [list, name] of [
    ["clusters", clusterName],
    ["users", userName],
    ["contexts", contextName],
  ] as const) {
    const entries = sequence(document, list);
    const index = entries === undefined ? -1 : indexOf(entries, name);
    if (index >= 0) entries?.delete(index);
  }
  if (document.get("current-context") === contextName) document.delete("current-context");
  return document.toString({ lineWidth: 0 });
}

/** Ours, or none; or one that `tptctl up` made earlier on this machine for a home that has gone or was made anew. */
function mayReplace(document: Document, access: Access): boolean {
  const context = bodyOf(document, "contexts", contextName);
  const cluster = bodyOf(document, "clusters", clusterName);
  if (context === undefined && cluster === undefined) return true;
  if (cluster?.["certificate-authority-data"] === access.caData) return true;
  const server = cluster?.["server"];
  return context?.["user"] === userName && typeof server === "string" && /^https:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|$)/.test(server);
}

/** Returns whether anything changed. */
function putEntry(document: Document, list: string, entry: { name: string; member: string; body: Readonly<Record<string, unknown>> }): boolean {
  const before = bodyOf(document, list, entry.name);
  if (before !== undefined && JSON.stringify(sorted(before)) === JSON.stringify(sorted(entry.body))) return false;
  const entries = sequence(document, list) ?? newSequence(document, list);
  const node = document.createNode({ name: entry.name, [entry.member]: entry.body });
  const index = indexOf(entries, entry.name);
  if (index >= 0) entries.set(index, node);
  else entries.add(node);
  return true;
}

function open(text: string): Document {
  if (text.length > textLengthMax) throw invalid(`it is longer than ${textLengthMax / 1024 / 1024} MiB`);
  const document = parseDocument(text, { uniqueKeys: true, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`the YAML cannot be read (${error.code})`); // the message would quote credentials
  if (document.contents !== null && !isMap(document.contents)) throw invalid("it is no mapping");
  const kind: unknown = document.get("kind");
  if (kind !== undefined && kind !== "Config") throw invalid("its kind is not Config");
  return document;
}

function sequence(document: Document, list: string): YAMLSeq | undefined {
  const value: unknown = document.get(list, true);
  if (isSeq(value)) return value;
  if (value === undefined || value === null || (value as { value?: unknown }).value === null) return undefined;
  throw invalid(`${list} is no list`);
}

function newSequence(document: Document, list: string): YAMLSeq {
  const made = document.createNode([]) as YAMLSeq;
  made.flow = false;
  document.set(list, made);
  return made;
}

function indexOf(entries: YAMLSeq, name: string): number {
  return entries.items.findIndex((item) => isMap(item) && (item as YAMLMap).get("name") === name);
}

function bodyOf(document: Document, list: string, name: string): Record<string, unknown> | undefined {
  const entries = sequence(document, list);
  const entry = entries?.items[entries === undefined ? -1 : indexOf(entries, name)];
  if (!isMap(entry)) return undefined;
  const body: unknown = (entry as YAMLMap).get(list.slice(0, -1));
  return isMap(body) ? (body.toJS(document, { maxAliasCount: 100 }) as Record<string, unknown>) : undefined;
}

function sorted(body: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(body).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function invalid(problem: string): PlatformError {
  return new PlatformError("TP_KUBECONFIG_INVALID", { message: `the kubeconfig cannot be used: ${problem}` });
}
