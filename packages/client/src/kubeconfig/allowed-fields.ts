import type { ErrorCause } from "@threeport/resource";
import type { Entry, KubeconfigFile } from "./kubeconfig-file.ts";

const onYourMachine = "`tptctl runtime add` resolves files and exec plugins on your machine";
const asCertificateAuthority = `write the certificate inline as certificate-authority-data (base64 of the PEM); ${onYourMachine}`;

/** Fields that would let a stored kubeconfig read files, start programs, talk elsewhere, or speak for somebody else (P4). */
const refusedOfCluster: Readonly<Record<string, string>> = {
  "certificate-authority": `names a file; ${asCertificateAuthority}`,
  "insecure-skip-tls-verify": `would talk to anybody who answers at that address; ${asCertificateAuthority}`,
  "proxy-url": "would send the traffic through an address of its own; remove it, and give the control plane a route to the cluster",
};

const refusedOfUser: Readonly<Record<string, string>> = {
  exec: `starts a program; write a token, or client-certificate-data and client-key-data; ${onYourMachine}`,
  "auth-provider": "was removed from Kubernetes; write a token, or use your provider's exec plugin with `tptctl runtime add`",
  tokenFile: `names a file; write its content as token; ${onYourMachine}`,
  "client-certificate": `names a file; write client-certificate-data (base64 of the PEM); ${onYourMachine}`,
  "client-key": `names a file; write client-key-data (base64 of the PEM); ${onYourMachine}`,
  username: "is basic authentication, which Kubernetes does not have any more; write a token or a client certificate",
  password: "is basic authentication, which Kubernetes does not have any more; write a token or a client certificate",
  as: "acts as somebody else; write credentials of the account that is meant",
  "as-uid": "acts as somebody else; write credentials of the account that is meant",
  "as-groups": "acts as somebody else; write credentials of the account that is meant",
  "as-user-extra": "acts as somebody else; write credentials of the account that is meant",
};

const allowedOfCluster = new Set(["server", "certificate-authority-data", "tls-server-name", "disable-compression", "extensions"]);
const allowedOfUser = new Set(["token", "client-certificate-data", "client-key-data", "extensions"]);
const allowedOfContext = new Set(["cluster", "user", "namespace", "extensions"]);

/**
 * One cause for each field that may not stand in a kubeconfig; of all entries, because all of them would be stored. `resolved` names
 * the fields that the caller takes care of itself.
 */
export function fieldCauses(file: KubeconfigFile, resolved: ReadonlySet<string> = new Set()): ErrorCause[] {
  return [
    ...file.clusters.flatMap((entry) => causesOf(entry, { allowed: allowedOfCluster, refused: refusedOfCluster, resolved })),
    ...file.users.flatMap((entry) => causesOf(entry, { allowed: allowedOfUser, refused: refusedOfUser, resolved })),
    ...file.contexts.flatMap((entry) => causesOf(entry, { allowed: allowedOfContext, refused: {}, resolved })),
  ];
}

function causesOf(
  entry: Entry,
  rules: { allowed: ReadonlySet<string>; refused: Readonly<Record<string, string>>; resolved: ReadonlySet<string> },
): ErrorCause[] {
  return Object.entries(entry.body).flatMap(([field, value]): ErrorCause[] => {
    if (isUnset(value) || rules.allowed.has(field) || rules.resolved.has(field)) return [];
    const path = `${entry.path}.${field}`;
    const why = Object.hasOwn(rules.refused, field) ? rules.refused[field] : undefined;
    if (why === undefined) return [{ field: path, reason: "FieldValueNotSupported", message: "is not a field of a kubeconfig; correct or remove it" }];
    return [{ field: path, reason: "FieldValueForbidden", message: why }];
  });
}

/** Tools write empty members (`password: ""`, `insecure-skip-tls-verify: false`); they ask for nothing. */
function isUnset(value: unknown): boolean {
  return (
    value === null ||
    value === "" ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (typeof value === "object" && Object.keys(value as object).length === 0)
  );
}
