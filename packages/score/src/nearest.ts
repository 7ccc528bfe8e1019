/** Words that differ in more letters than this are another word. */
const editsMax = 2;

/** The one of `words` that `word` was probably meant to be: the same but for case, or with few letters wrong. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const same = words.find((each) => each.toLowerCase() === word.toLowerCase());
  if (same !== undefined || word.length > 100) return same;
  const ranked = words.map((each) => ({ each, edits: editsBetween(word, each) })).sort((a, b) => a.edits - b.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= editsMax && best.edits <= best.each.length / 2 ? best.each : undefined;
}

/** Letters to insert, remove or replace (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
