// Packaged charts in a folder, by their digest: had once, never changed.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fetcher } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { archiveBytesMax, describeChart, type Chart, type PinnedChart } from "./chart.ts";
import { fromRepository } from "./repository.ts";

export interface Charts {
  /** The chart with its digest: from then on it is always the same. @throws PlatformError that says what cannot be had */
  pin(chart: Chart, signal: AbortSignal): Promise<PinnedChart>;
  /** Path of the packaged chart. @throws as `pin` */
  file(chart: PinnedChart, signal: AbortSignal): Promise<string>;
}

const timeoutMs = 60_000;

export function createCharts({ folder, fetcher }: { readonly folder: string; readonly fetcher: Fetcher }): Charts {
  const pathOf = (sha256: string): string => join(folder, `${sha256}.tgz`);

  const had = async (chart: Chart, signal: AbortSignal): Promise<string> => {
    const content = await contentOf(chart, { fetcher, signal });
    const sha256 = createHash("sha256").update(content).digest("hex");
    if (chart.sha256 !== undefined && chart.sha256 !== sha256)
      throw new PlatformError("TP_BAD_REQUEST", {
        message: `${describeChart(chart)} has the SHA-256 ${sha256}, and not ${chart.sha256} as is written beside it${chart.repository === undefined ? "" : ": it was published anew under the same version"}`,
      });
    await keep(content, pathOf(sha256));
    return sha256;
  };

  return {
    async pin(chart, signal) {
      if (chart.sha256 !== undefined) return { ...chart, sha256: chart.sha256 };
      return { ...chart, sha256: await had(chart, signal) };
    },
    async file(chart, signal) {
      const path = pathOf(chart.sha256);
      // A file that was damaged on disk is had anew.
      if ((await digestOf(path)) !== chart.sha256) await had(chart, signal);
      return path;
    },
  };
}

async function contentOf(chart: Chart, way: { readonly fetcher: Fetcher; readonly signal: AbortSignal }): Promise<Buffer> {
  if (chart.archive !== undefined) return Buffer.from(chart.archive, "base64");
  if (chart.url !== undefined) return way.fetcher.fetch(chart.url, { sha256: chart.sha256 ?? "", bytesMax: archiveBytesMax, timeoutMs, signal: way.signal });
  const { content, announced } = await fromRepository(chart, way);
  const sha256 = createHash("sha256").update(content).digest("hex");
  if (announced !== undefined && announced !== sha256)
    throw new PlatformError("TP_UNAVAILABLE", { message: `${describeChart(chart)} has the SHA-256 ${sha256}, and its repository says ${announced}` });
  return content;
}

/** Whole or not at all: several servers may share the folder. */
async function keep(content: Buffer, path: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  const partial = `${path}.${randomUUID()}`;
  try {
    await writeFile(partial, content, { mode: 0o600 });
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

async function digestOf(path: string): Promise<string | undefined> {
  try {
    return createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  } catch {
    return undefined; // absent and unreadable are the same: it is had
  }
}
