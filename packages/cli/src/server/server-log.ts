import { open, rename, stat } from "node:fs/promises";

/** A log that is larger at a start is put aside; one old log is kept. */
export const logBytesMax = 10 * 1024 * 1024;
/** How much of a log's end is looked at for errors. */
const tailBytes = 64 * 1024;
/** Lines shown of a server that ended at once. */
const linesShown = 10;

export async function rotateLog(path: string): Promise<void> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > logBytesMax) await rename(path, `${path}.1`);
}

/** What a server that has ended said about it: its own error lines, or else its last ones. */
export async function lastWords(path: string, fromByte: number): Promise<string[]> {
  const lines = (await readFrom(path, fromByte)).split("\n").filter((line) => line.trim() !== "");
  const own = lines.findIndex((line) => line.startsWith("threeport-server: "));
  const told = own >= 0 ? lines.slice(own) : lines.slice(-linesShown);
  return told.slice(0, linesShown).map((line) => line.replace(/^threeport-server: /, "").trimEnd());
}

async function readFrom(path: string, fromByte: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(fromByte, size - tailBytes, 0);
    const bytes = Buffer.alloc(Math.max(Math.min(size - start, tailBytes), 0));
    await file.read(bytes, 0, bytes.length, start);
    return bytes.toString("utf8");
  } finally {
    await file.close();
  }
}
