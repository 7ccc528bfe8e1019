import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create } from "tar";

/** Content by path in the chart; Chart.yaml is written unless it is among them. */
export type ChartFiles = Readonly<Record<string, string>>;

/** A packaged chart. */
export async function packChart(name: string, files: ChartFiles, version = "1.0.0"): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-chart-"));
  try {
    const all = { "Chart.yaml": `apiVersion: v2\nname: ${name}\nversion: ${version}\n`, ...files };
    for (const [path, content] of Object.entries(all)) {
      await mkdir(join(folder, name, dirname(path)), { recursive: true });
      await writeFile(join(folder, name, path), content);
    }
    const pieces: Buffer[] = [];
    for await (const piece of create({ gzip: true, portable: true, cwd: folder, mtime: new Date(0) }, [name]) as AsyncIterable<Buffer>) pieces.push(piece);
    return Buffer.concat(pieces);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
