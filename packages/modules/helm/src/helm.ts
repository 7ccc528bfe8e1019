import { join } from "node:path";
import type { Clock, Exec, Random } from "@threeport/platform";
import type { Fetcher } from "@threeport/client";
import type { BinariesPlace } from "@threeport/module-runtime";
import { PlatformError } from "@threeport/resource";
import type { Chart, PinnedChart } from "./chart.ts";
import { createCharts } from "./charts.ts";
import { ensureHelm } from "./program.ts";
import { createRenderer, type Rendered, type RenderRequest } from "./render.ts";

/** Charts as a source of objects. */
export interface Helm {
  /** The chart with its digest. @throws PlatformError that says what cannot be had, and whether later may help */
  pin(chart: Chart, signal: AbortSignal): Promise<PinnedChart>;
  /** The objects of a chart that has a digest or stands in the definition itself, or what is wrong with it or its values. Pure but for the chart, which has a digest. @throws as `pin` */
  render(request: RenderRequest, signal: AbortSignal): Promise<Rendered>;
}

export interface HelmOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly random: Random;
  /** Opens the addresses of charts. */
  readonly fetcher: Fetcher;
  /** Where packaged charts are kept; what is lost there is had anew. */
  readonly folder: string;
  /** Where the program is had from. */
  readonly place: BinariesPlace;
  /** See `ProgramOptions`. */
  readonly program?: string | undefined;
  /** See `HelmProcess`. */
  readonly searchPath?: string | undefined;
  readonly onProgress?: (line: string) => void;
}

/** How long a look at an object waits for helm itself to come: then it is looked at again. */
const patienceMs = 5_000;

export function createHelm(options: HelmOptions): Helm {
  const charts = createCharts({ folder: join(options.folder, "charts"), fetcher: options.fetcher });
  return {
    pin: (chart, signal) => charts.pin(chart, signal),
    render: createRenderer({ exec: options.exec, searchPath: options.searchPath, charts, program: programOf(options) }),
  };
}

/** Had in the background, once for all who ask: it may take minutes. A failure is told, and tried anew by the next who asks. */
function programOf({ clock, ...options }: HelmOptions): () => Promise<string> {
  let having: Promise<string> | undefined;
  let had: string | undefined;
  let last = "";
  const onProgress = (line: string): void => {
    last = `: ${line}`;
    options.onProgress?.(line);
  };
  return async () => {
    if (had !== undefined) return had;
    if (having === undefined) {
      having = ensureHelm({ ...options, clock, onProgress });
      having.catch(() => (having = undefined));
    }
    const found = await Promise.race([having, clock.sleep(patienceMs)]);
    if (typeof found === "string") return (had = found);
    throw new PlatformError("TP_UNAVAILABLE", { message: `helm, which renders charts, is being had${last}` });
  };
}
