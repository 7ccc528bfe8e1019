import type { PathElement } from "./path-element.ts";

/**
 * A set of field paths, as a tree. A path is in the set when its last element is a member of the node that its other
 * elements lead to; a node below a path says nothing about the path itself. No node is empty, save the root.
 */
export interface FieldSet {
  readonly members: ReadonlySet<PathElement>;
  readonly children: ReadonlyMap<PathElement, FieldSet>;
}

interface Growing {
  readonly members: Set<PathElement>;
  readonly children: Map<PathElement, Growing>;
}

export const emptyFieldSet: FieldSet = { members: new Set(), children: new Map() };

/** Collects paths one by one. The path is read at once, so the caller may go on changing the same array. */
export class FieldSetBuilder {
  private readonly root: Growing = { members: new Set(), children: new Map() };

  /** The empty path is nobody's and is passed over. */
  insert(path: readonly PathElement[], last?: PathElement): void {
    let node = this.root;
    const steps = last === undefined ? path.length - 1 : path.length;
    for (let at = 0; at < steps; at++) {
      const element = path[at] as PathElement;
      let child = node.children.get(element);
      if (child === undefined) {
        child = { members: new Set(), children: new Map() };
        node.children.set(element, child);
      }
      node = child;
    }
    const member = last ?? path.at(-1);
    if (member !== undefined) node.members.add(member);
  }

  build(): FieldSet {
    return this.root;
  }
}

export function fieldSet(paths: Iterable<readonly PathElement[]>): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

export function isEmpty(set: FieldSet): boolean {
  if (set.members.size > 0) return false;
  for (const child of set.children.values()) if (!isEmpty(child)) return false;
  return true;
}

export function has(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path.slice(0, -1)) {
    node = node.children.get(element);
    if (node === undefined) return false;
  }
  const last = path.at(-1);
  return last !== undefined && node.members.has(last);
}

/** Every path of the set: a node's members first, then what is below. */
export function* paths(set: FieldSet, prefix: readonly PathElement[] = []): Generator<readonly PathElement[]> {
  for (const member of set.members) yield [...prefix, member];
  for (const [element, child] of set.children) yield* paths(child, [...prefix, element]);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : union(other, child));
  }
  return { members: a.members.union(b.members), children };
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other !== undefined) addUnlessEmpty(children, element, intersection(child, other));
  }
  return { members: a.members.intersection(b.members), children };
}

/** The paths of `a` that are not in `b`. What lies below a path of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other === undefined) children.set(element, child);
    else addUnlessEmpty(children, element, difference(child, other));
  }
  return { members: a.members.difference(b.members), children };
}

/** The paths of `a` that are neither in `b` nor below a path of `b`. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of a.children) {
    if (b.members.has(element)) continue;
    const other = b.children.get(element);
    if (other === undefined) children.set(element, child);
    else addUnlessEmpty(children, element, withoutSubtrees(child, other));
  }
  return { members: a.members.difference(b.members), children };
}

export function isSubset(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (!a.members.isSubsetOf(b.members)) return false;
  for (const [element, child] of a.children) if (!isSubset(child, b.children.get(element) ?? emptyFieldSet)) return false;
  return true;
}

export function sameFieldSet(a: FieldSet, b: FieldSet): boolean {
  return isSubset(a, b) && isSubset(b, a);
}

function addUnlessEmpty(children: Map<PathElement, FieldSet>, element: PathElement, child: FieldSet): void {
  if (!isEmpty(child)) children.set(element, child);
}
