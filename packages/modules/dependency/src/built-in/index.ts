// Profiles that come with the control plane: versioned objects that never change (design.md §5.6).
import type { KubeObject } from "@threeport/resource";
import { amqp } from "./amqp.ts";
import { dns } from "./dns.ts";
import { mongodb } from "./mongodb.ts";
import { mysql } from "./mysql.ts";
import { postgres, postgresInstance } from "./postgres.ts";
import { redis } from "./redis.ts";
import { route } from "./route.ts";

/** On profiles that come with the control plane. */
export const builtInLabel = "threeport.io/built-in";

export interface BuiltIn {
  readonly name: string;
  readonly spec: object;
}

const all: readonly BuiltIn[] = [amqp, dns, mongodb, mysql, postgres, postgresInstance, redis, route];

/** What a built-in profile says; undefined for other names. */
export function builtInSpec(name: string): object | undefined {
  return all.find((each) => each.name === name)?.spec;
}

export function builtInProfiles(kind: { readonly apiVersion: string; readonly kind: string }): KubeObject[] {
  return all.map(({ name, spec }) => ({ ...kind, metadata: { name, labels: { [builtInLabel]: "true" } }, spec }) as KubeObject);
}
