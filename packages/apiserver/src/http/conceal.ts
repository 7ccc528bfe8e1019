import { PlatformError, type Kind, type KubeObject } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { parseBody } from "../pipeline/body.ts";

// S7, I13: who may write a Secret, or delete it, but not get it, must not read it in the answer.

/** Whether answers about this object must leave out what it holds. */
export function mustConceal(context: ApiContext, user: User, target: { readonly kind: Kind; readonly namespace: string; readonly name: string }): boolean {
  const { kind, namespace, name } = target;
  if (!kind.sensitive || kind.documents.length > 0) return false; // documents hold marks in the place of values
  return !context.authorizer.authorize(user, { verb: "get", group: kind.group, resource: kind.plural, namespace, name }).allowed;
}

const shownMetadata = ["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];

/** JSON text of the object with nothing in it but what identifies it: values can be copied into labels and annotations too. */
export function concealed(body: string): string {
  const { apiVersion, kind, metadata } = parseBody(body) as KubeObject;
  return JSON.stringify({ apiVersion, kind, metadata: Object.fromEntries(Object.entries(metadata).filter(([name]) => shownMetadata.includes(name))) });
}

/** Refusals repeat what was wrong with an object, which a patch can take from its values: for who may not read it, only the fields are named. */
export function concealedError(error: unknown): unknown {
  if (!(error instanceof PlatformError) || !toldStatuses.has(error.entry.http)) return error;
  const causes = error.causes.map(({ field, reason }) => ({
    ...(field === undefined ? {} : { field }),
    ...(reason === undefined ? {} : { reason }),
    message: "not valid",
  }));
  return new PlatformError(error.code, { message: `${error.entry.public} More is told to those who may get the object.`, causes });
}

/** What is wrong with the request or the object. */
const toldStatuses: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);
