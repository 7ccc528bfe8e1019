import { Cursor, unlessWrong } from "./cursor.ts";
import type { Child } from "./scene.ts";
import type { ObjectId } from "./verdict.ts";

/** The id that an object states about itself; undefined when it does not say who it is. */
export function idOf(object: Cursor): ObjectId | undefined {
  const apiVersion = object.text("apiVersion");
  const kind = object.text("kind");
  const name = object.text("metadata", "name");
  if (apiVersion === undefined || kind === undefined || name === undefined) return undefined;
  const namespace = object.text("metadata", "namespace");
  const uid = object.text("metadata", "uid");
  return { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name, ...(uid === undefined ? {} : { uid }) };
}

/**
 * The children that can be read at all, newest first and by name within one second. A child of a wrong shape is left
 * out: it is no reason to know nothing about its owner.
 */
export function readChildren(objects: readonly unknown[]): Child[] {
  const children: Child[] = [];
  for (const object of objects) {
    const child = unlessWrong(() => readChild(new Cursor(object)));
    if (child !== undefined) children.push(child);
  }
  return children.sort((a, b) => b.createdAt - a.createdAt || (a.id.name < b.id.name ? -1 : 1));
}

function readChild(object: Cursor): Child | undefined {
  const id = idOf(object);
  return id === undefined ? undefined : { id, object, createdAt: object.moment("metadata", "creationTimestamp") ?? 0 };
}
