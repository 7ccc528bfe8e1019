// The Pod Security profile "baseline", read from the document before it is applied: so the refusal names object, field and setting, where the
// cluster would refuse pods later and one level below. The cluster's own admission stays the judge of what controllers make (the namespace's label).
// https://kubernetes.io/docs/concepts/security/pod-security-standards/ (1.36)
import { parseApiVersion, type KubeObject } from "@threeport/resource";

/** Something that the profile does not allow: where, and what it is. */
export interface PodSecurityProblem {
  /** Path in the object, for example spec.template.spec.hostNetwork. */
  readonly field: string;
  readonly problem: string;
}

type Tree = Readonly<Record<string, unknown>>;

/** What keeps the pods of an object from being `baseline`; empty for objects that make no pods. */
export function baselineProblems(object: KubeObject): PodSecurityProblem[] {
  return podTemplates(object).flatMap(({ path, metadata, spec }) => [
    ...hostNamespaces(path, spec),
    ...volumes(path, spec),
    ...sysctls(path, spec),
    ...appArmorAnnotations(path, metadata),
    ...securityContext(`${path}.spec.securityContext`, record(spec["securityContext"])),
    ...containersOf(path, spec).flatMap(({ at, container }) => containerProblems(at, container)),
  ]);
}

interface PodTemplate {
  /** Where its `metadata` and `spec` are; "" for a Pod itself. */
  readonly path: string;
  readonly metadata: Tree;
  readonly spec: Tree;
}

/** Kinds whose template stands at `spec.template`, by group. */
const templated: Readonly<Record<string, readonly string[]>> = {
  "": ["ReplicationController"],
  apps: ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"],
  batch: ["Job"],
};

function podTemplates(object: KubeObject): PodTemplate[] {
  const { group } = parseApiVersion(object.apiVersion);
  const template = (path: string, found: Tree): PodTemplate[] => [{ path, metadata: record(found["metadata"]), spec: record(found["spec"]) }];
  const spec = record(object["spec"]);
  if (group === "" && object.kind === "Pod") return template("", object);
  if (group === "" && object.kind === "PodTemplate") return template("template", record(object["template"]));
  if (group === "batch" && object.kind === "CronJob")
    return template("spec.jobTemplate.spec.template", record(record(record(spec["jobTemplate"])["spec"])["template"]));
  return (templated[group] ?? []).includes(object.kind) ? template("spec.template", record(spec["template"])) : [];
}

function hostNamespaces(path: string, spec: Tree): PodSecurityProblem[] {
  return ["hostNetwork", "hostPID", "hostIPC"]
    .filter((field) => spec[field] === true)
    .map((field) => ({ field: join(path, `spec.${field}`), problem: "shares a namespace with the node" }));
}

function volumes(path: string, spec: Tree): PodSecurityProblem[] {
  return list(spec["volumes"]).flatMap((volume, index) =>
    record(volume)["hostPath"] === undefined ? [] : [{ field: join(path, `spec.volumes[${index}].hostPath`), problem: "reaches the node's files" }],
  );
}

const safeSysctls: ReadonlySet<unknown> = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);

function sysctls(path: string, spec: Tree): PodSecurityProblem[] {
  return list(record(spec["securityContext"])["sysctls"]).flatMap((sysctl, index) =>
    safeSysctls.has(record(sysctl)["name"])
      ? []
      : [{ field: join(path, `spec.securityContext.sysctls[${index}]`), problem: `${shown(record(sysctl)["name"])} is no safe sysctl` }],
  );
}

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

function appArmorAnnotations(path: string, metadata: Tree): PodSecurityProblem[] {
  return Object.entries(record(metadata["annotations"])).flatMap(([name, value]) =>
    !name.startsWith(appArmorPrefix) || value === "runtime/default" || value === "" || (typeof value === "string" && value.startsWith("localhost/"))
      ? []
      : [{ field: join(path, `metadata.annotations[${name}]`), problem: "turns AppArmor off" }],
  );
}

/** Of a pod, and of each container. */
function securityContext(at: string, context: Tree): PodSecurityProblem[] {
  const problems: PodSecurityProblem[] = [];
  const add = (field: string, problem: string): void => void problems.push({ field: join("", `${at}.${field}`), problem });
  if (record(context["windowsOptions"])["hostProcess"] === true) add("windowsOptions.hostProcess", "runs as a process of the node");
  for (const [profile, what] of [
    ["seccompProfile", "seccomp"],
    ["appArmorProfile", "AppArmor"],
  ] as const)
    if (record(context[profile])["type"] === "Unconfined") add(`${profile}.type`, `turns ${what} off`);
  const selinux = record(context["seLinuxOptions"]);
  if (!selinuxTypes.has(selinux["type"] ?? "")) add("seLinuxOptions.type", `${shown(selinux["type"])} is no type for containers`);
  for (const field of ["user", "role"]) if ((selinux[field] ?? "") !== "") add(`seLinuxOptions.${field}`, "may not be set");
  return problems;
}

const selinuxTypes: ReadonlySet<unknown> = new Set(["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]);

const usualCapabilities: ReadonlySet<unknown> = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

function containerProblems(at: string, container: Tree): PodSecurityProblem[] {
  const context = record(container["securityContext"]);
  const problems = [...securityContext(`${at}.securityContext`, context)];
  const add = (field: string, problem: string): void => void problems.push({ field: `${at}.${field}`, problem });
  if (context["privileged"] === true) add("securityContext.privileged", "is root on the node");
  const added = list(record(context["capabilities"])["add"]).filter((capability) => !usualCapabilities.has(capability));
  if (added.length > 0) add("securityContext.capabilities.add", `adds ${added.map(shown).join(", ")}`);
  if (!["", "Default"].includes(text(context["procMount"]))) add("securityContext.procMount", "shows the node's /proc");
  for (const [index, port] of list(container["ports"]).entries())
    if (Number(record(port)["hostPort"] ?? 0) !== 0) add(`ports[${index}].hostPort`, "takes a port of the node");
  for (const [field, handler] of handlersOf(container))
    for (const sort of ["httpGet", "tcpSocket"])
      if (text(record(handler[sort])["host"]) !== "") add(`${field}.${sort}.host`, "makes the node call another host");
  return problems;
}

function handlersOf(container: Tree): [string, Tree][] {
  const lifecycle = record(container["lifecycle"]);
  return [
    ...["livenessProbe", "readinessProbe", "startupProbe"].map((field): [string, Tree] => [field, record(container[field])]),
    ...["postStart", "preStop"].map((field): [string, Tree] => [`lifecycle.${field}`, record(lifecycle[field])]),
  ];
}

function containersOf(path: string, spec: Tree): { readonly at: string; readonly container: Tree }[] {
  return ["initContainers", "containers", "ephemeralContainers"].flatMap((field) =>
    list(spec[field]).map((container, index) => ({ at: join(path, `spec.${field}[${index}]`), container: record(container) })),
  );
}

function join(path: string, rest: string): string {
  return path === "" ? rest.replace(/^\./, "") : `${path}.${rest}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Words of the user's own, short enough for a sentence. */
function shown(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 60) : "what is no text";
}

function record(value: unknown): Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
