// Who manages which fields (K7): every write is recorded, bounded as in Kubernetes (10 managers that update, older ones together).
import { rfc3339 } from "@threeport/platform";
import { emptyShape, updateManagedFields, type JsonObject, type Kind, type KubeObject, type ManagedFieldsEntry } from "@threeport/resource";
import type { ApiContext } from "../api.ts";

export type ManagedFields = readonly ManagedFieldsEntry[];

export interface RecordedWrite {
  readonly kind: Kind;
  readonly manager: string;
  /** Undefined on create. */
  readonly live: KubeObject | undefined;
  /** What the client sent as `managedFields`: it may hand over or clear ownership. */
  readonly sent: unknown;
  readonly subresource: string | undefined;
}

/** The managers after a create, a PUT or a patch other than apply. `shaped` is the object as its author means it, see {@link Admission.shaped}. */
export function managedFieldsAfter(context: ApiContext, write: RecordedWrite, shaped: KubeObject): ManagedFields {
  const { kind, manager, live, subresource } = write;
  // As upstream, which reads objects of definitions without Go types: there an empty list says nothing.
  const sent = kind.custom !== undefined && Array.isArray(write.sent) && write.sent.length === 0 ? undefined : write.sent;
  return updateManagedFields({
    live: live as JsonObject | undefined,
    ...(live === undefined ? { always: emptyShape(kind) } : {}),
    updated: { ...shaped, metadata: { ...shaped.metadata, managedFields: sent } },
    manager,
    operation: "Update",
    apiVersion: kind.apiVersion,
    schema: kind.schema,
    nowRfc3339: rfc3339(context.clock.now()),
    ...(subresource === undefined ? {} : { subresource }),
  });
}

/** No managers leave no trace in the object. */
export function setManagedFields(object: KubeObject, managedFields: ManagedFields): void {
  if (managedFields.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = [...managedFields];
}
