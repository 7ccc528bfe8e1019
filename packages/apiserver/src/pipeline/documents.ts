import { secretDigests, type Kind, type KubeObject } from "@threeport/resource";

/** Digests of the values that an object needs: it keeps them alive. */
export function markedIn(kind: Kind, object: KubeObject): string[] {
  return documentsOf(kind, object).flatMap(({ documents }) => secretDigests(documents));
}

interface Documents {
  readonly path: string;
  readonly documents: readonly unknown[];
  readonly replace: (documents: readonly unknown[]) => void;
}

/** The lists of documents that an object carries. */
export function documentsOf(kind: Kind, object: object): Documents[] {
  return kind.documents.flatMap((path) => {
    const segments = path.split(".");
    const last = segments.pop() ?? "";
    let holder: unknown = object;
    for (const segment of segments) holder = isRecord(holder) ? holder[segment] : undefined;
    const documents = isRecord(holder) ? holder[last] : undefined;
    if (!isRecord(holder) || !Array.isArray(documents)) return [];
    const place = holder;
    return [{ path, documents: documents as unknown[], replace: (changed) => void (place[last] = changed) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
