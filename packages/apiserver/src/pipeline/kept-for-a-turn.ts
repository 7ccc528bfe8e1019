/**
 * What is made of a key once for all who ask in the same turn of the event loop, and then let go of. All watchers hear of a change in one turn; the change
 * itself stays in the feed's ring for minutes, and nobody counts what would hang on it.
 */
export function keptForATurn<K extends object, V>(make: (key: K) => V): (key: K) => V {
  let kept: Map<K, V> | undefined;
  return (key) => {
    if (kept === undefined) {
      kept = new Map();
      setImmediate(() => (kept = undefined));
    }
    let value = kept.get(key);
    if (value === undefined) kept.set(key, (value = make(key)));
    return value;
  };
}
