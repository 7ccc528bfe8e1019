import type { Kind, KubeObject } from "@threeport/resource";
import type { User } from "@threeport/store";

/** A create whose answer is worked out for its caller and stored nowhere: reviews, token requests. */
export interface Computed {
  /** Kind of body and answer. */
  readonly kind: Kind;
  /** The body with `status` filled in. It fits the kind's schema and passed its `validate`. */
  compute(call: ComputedCall): KubeObject | Promise<KubeObject>;
}

export interface ComputedCall {
  readonly object: KubeObject;
  /** "" for what is cluster-scoped. */
  readonly namespace: string;
  /** Name of the object whose subresource it is; "" for a kind of its own. */
  readonly name: string;
  readonly user: User;
}

/** By `<plural.group>` for a kind of its own, `<plural.group>/<subresource>` for a subresource. */
export type ComputedKinds = ReadonlyMap<string, Computed>;
