import { parseApiVersion } from "@threeport/resource";
import type { Cursor } from "./cursor.ts";
import type { Finding } from "./finding.ts";
import type { Timeline } from "./timeline.ts";
import type { ObjectId } from "./verdict.ts";

/** Everything a rule may look at. Same scene, same finding. */
export interface Scene {
  readonly id: ObjectId;
  readonly object: Cursor;
  /** Objects tied to this one by owner references or selector, newest first. */
  readonly children: readonly Child[];
  readonly time: Timeline;
  readonly options: RuleOptions;
}

export interface Child {
  readonly id: ObjectId;
  readonly object: Cursor;
  /** In ms since the epoch; 0 when unknown. */
  readonly createdAt: number;
}

export interface RuleOptions {
  /** Ingress classes whose controller never writes an address: an Ingress of theirs is healthy as it stands. */
  readonly ingressClassesWithoutAddress: readonly string[];
}

export type Rule = (scene: Scene) => Finding;

/** The children of one kind, whatever its version, newest first. */
export function childrenOf(scene: Scene, group: string, kind: string): Child[] {
  return scene.children.filter(({ id }) => id.kind === kind && parseApiVersion(id.apiVersion).group === group);
}

/** The same options and moment, another object. */
export function sceneOf(child: Child, scene: Scene): Scene {
  return { ...scene, id: child.id, object: child.object, children: scene.children };
}
