import type { Message } from "./message.ts";
import { customResourceDefinition } from "./messages/apiextensions.ts";
import { selfSubjectReview, tokenRequest, tokenReview } from "./messages/authentication.ts";
import { localSubjectAccessReview, selfSubjectAccessReview, selfSubjectRulesReview, subjectAccessReview } from "./messages/authorization.ts";
import { lease } from "./messages/coordination.ts";
import { configMap, coreEvent, namespace, secret, serviceAccount } from "./messages/core.ts";
import { event } from "./messages/events.ts";
import { deleteOptions } from "./messages/meta.ts";
import { clusterRole, clusterRoleBinding, role, roleBinding } from "./messages/rbac.ts";

/** The messages of each group version, named by kind. */
const messages: Readonly<Record<string, readonly Message[]>> = {
  v1: [namespace, configMap, secret, serviceAccount, coreEvent],
  "events.k8s.io/v1": [event],
  "coordination.k8s.io/v1": [lease],
  "rbac.authorization.k8s.io/v1": [role, roleBinding, clusterRole, clusterRoleBinding],
  "authentication.k8s.io/v1": [tokenReview, tokenRequest, selfSubjectReview],
  "authorization.k8s.io/v1": [subjectAccessReview, localSubjectAccessReview, selfSubjectAccessReview, selfSubjectRulesReview],
  "apiextensions.k8s.io/v1": [customResourceDefinition],
};

const byKind: ReadonlyMap<string, Message> = new Map(
  Object.entries(messages).flatMap(([apiVersion, list]) => list.map((message) => [`${apiVersion}/${message.name}`, message] as const)),
);

/** Undefined for a kind that is not read as protobuf. */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  // Clients send DeleteOptions under the version of whatever they delete.
  return kind === deleteOptions.name ? deleteOptions : byKind.get(`${apiVersion}/${kind}`);
}
