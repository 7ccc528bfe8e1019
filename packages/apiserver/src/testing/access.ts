import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { expect, vi } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { defaultRoles } from "../auth/default-roles.ts";
import type { PolicyRule } from "../auth/rules.ts";
import type { Answer, CallInput } from "./call.ts";
import type { TestApi } from "./test-api.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const group = "rbac.authorization.k8s.io";

export const rbac = `/apis/${apiVersion}`;

/** A change of rights is in force when the change feed has handed it on: nearly always at once, within a second at most. */
export const inForce = { timeout: 1_000, interval: 5 } as const;

/** Makes the roles that every control plane has. */
export async function keepDefaults(api: TestApi): Promise<void> {
  await api.auth.keepRoles(api.objects, defaultRoles(api.context.registry.all(), new Map()));
}

export function role(name: string, rules: readonly PolicyRule[], metadata: object = {}): KubeObject {
  return { apiVersion, kind: "Role", metadata: { name, ...metadata }, rules };
}

export function clusterRole(name: string, rules: readonly PolicyRule[], metadata: object = {}): KubeObject {
  return { apiVersion, kind: "ClusterRole", metadata: { name, ...metadata }, rules };
}

export function binding(kind: "RoleBinding" | "ClusterRoleBinding", name: string, ref: string, user: string): KubeObject {
  const [refKind = "", refName = ""] = ref.split("/");
  return {
    apiVersion,
    kind,
    metadata: { name },
    roleRef: { apiGroup: group, kind: refKind, name: refName },
    subjects: [{ kind: "User", apiGroup: group, name: user }],
  };
}

/** A user with these rules in the namespace `default`, or everywhere; answers are those that he gets. */
export async function userWith(
  api: TestApi,
  name: string,
  rights: { readonly here?: readonly PolicyRule[]; readonly everywhere?: readonly PolicyRule[] } = {},
): Promise<(method: string, path: string, input?: CallInput) => Promise<Answer>> {
  const inDefault = { namespace: "default" };
  if (rights.here !== undefined) {
    await api.objects.create(role(name, rights.here, inDefault));
    const bound = binding("RoleBinding", name, `Role/${name}`, name);
    await api.objects.create({ ...bound, metadata: { ...bound.metadata, ...inDefault } });
  }
  if (rights.everywhere !== undefined) {
    await api.objects.create(clusterRole(name, rights.everywhere));
    await api.objects.create(binding("ClusterRoleBinding", name, `ClusterRole/${name}`, name));
  }
  const wanted = (rights.here ?? []).length + (rights.everywhere ?? []).length;
  await vi.waitFor(() => expect(api.auth.authorizer.rulesOf({ name, groups: [] }, "default")).toHaveLength(wanted), inForce);
  const token = await api.tokenOf(name);
  return (method, path, input = {}) => api.call(method, path, { token, ...input });
}

/** A stream that a user opened, read as fast as it comes. */
export interface OpenStream {
  readonly status: number;
  /** Resolves with what came when the server ends it. */
  readonly ended: Promise<string>;
  close(): void;
}

export async function openStream(api: TestApi, path: string, token: string): Promise<OpenStream> {
  const sent = request({ host: "127.0.0.1", port: api.port, ca: api.caPem, path, agent: false, headers: { authorization: `Bearer ${token}` } });
  sent.on("error", () => {}); // closed by the test
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const ended = answer.setEncoding("utf8").reduce((text: string, chunk: string) => text + chunk, "");
  ended.catch(() => {});
  return { status: answer.statusCode ?? 0, ended, close: () => void sent.destroy() };
}
