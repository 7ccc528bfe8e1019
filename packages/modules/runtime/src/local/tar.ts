/**
 * A tar writer for container images: POSIX ustar, with pax records for what ustar cannot say (names over 100 bytes or
 * outside ASCII, files of 8 GiB and more). Owner is root and time is 0, so the same files make the same bytes.
 */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly bytes: number; readonly content: AsyncIterable<Uint8Array> }
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const blockBytes = 512;
/** Two zero blocks end an archive. */
const endBytes = 2 * blockBytes;
const ustarNameBytesMax = 100;
const ustarFileBytesMax = 8 ** 11 - 1;
const typeFlags = { file: "0", directory: "5", link: "2", pax: "x" } as const;

/** The archive of `entries`, in their order. Throws when a file's content is not as long as its entry says. */
export async function* writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    yield headersOf(entry);
    if (entry.kind !== "file") continue;
    let written = 0;
    for await (const chunk of entry.content) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== entry.bytes) throw new Error(`${entry.path} changed while it was packed: ${entry.bytes} bytes expected, ${written} read`);
    yield Buffer.alloc(paddingOf(written));
  }
  yield Buffer.alloc(endBytes);
}

/** Length of what {@link writeTar} yields for `entries`, without reading any content. */
export function tarBytes(entries: Iterable<TarEntry>): number {
  let bytes = endBytes;
  for (const entry of entries) {
    bytes += headersOf(entry).length;
    if (entry.kind === "file") bytes += entry.bytes + paddingOf(entry.bytes);
  }
  return bytes;
}

function headersOf(entry: TarEntry): Buffer {
  const bytes = entry.kind === "file" ? entry.bytes : 0;
  const target = entry.kind === "link" ? entry.target : "";
  const path = entry.kind === "directory" ? `${entry.path}/` : entry.path;
  const records: [string, string][] = [];
  if (needsPax(path)) records.push(["path", path]);
  if (needsPax(target)) records.push(["linkpath", target]);
  if (bytes > ustarFileBytesMax) records.push(["size", String(bytes)]);
  const mode = entry.kind === "link" ? 0o777 : entry.mode;
  const own = header({ path, mode, bytes, type: typeFlags[entry.kind], target });
  if (records.length === 0) return own;
  const body = Buffer.concat(records.map(paxRecord));
  return Buffer.concat([
    header({ path: "pax", mode: 0o644, bytes: body.length, type: typeFlags.pax, target: "" }),
    body,
    Buffer.alloc(paddingOf(body.length)),
    own,
  ]);
}

function needsPax(text: string): boolean {
  return Buffer.byteLength(text) > ustarNameBytesMax || !/^[\x20-\x7e]*$/.test(text);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits too. */
function paxRecord([key, value]: readonly [string, string]): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

interface HeaderFields {
  readonly path: string;
  readonly mode: number;
  readonly bytes: number;
  readonly type: string;
  readonly target: string;
}

/** One ustar block; field offsets from POSIX pax, "ustar Interchange Format". */
function header(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(blockBytes);
  const text = (offset: number, length: number, value: string) => Buffer.from(value).copy(block, offset, 0, length);
  const octal = (offset: number, length: number, value: number) => text(offset, length, value.toString(8).padStart(length - 1, "0"));
  text(0, ustarNameBytesMax, fields.path);
  octal(100, 8, fields.mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, fields.bytes > ustarFileBytesMax ? 0 : fields.bytes);
  octal(136, 12, 0);
  text(148, 8, " ".repeat(8)); // the checksum is taken with its own field blank
  text(156, 1, fields.type);
  text(157, ustarNameBytesMax, fields.target);
  text(257, 8, "ustar\x0000");
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  text(148, 8, `${checksum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function paddingOf(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}
