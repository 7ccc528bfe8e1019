import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFetcher, type Fetcher } from "@threeport/client";
import { binariesPlace } from "@threeport/module-runtime";
import { systemClock, systemExec, systemRandom } from "@threeport/platform";
import { describe } from "vitest";
import { createHelm, type Helm } from "../helm.ts";
import { ensureHelm, hasHelm } from "../program.ts";

const seams = { exec: systemExec, clock: systemClock, random: systemRandom };
const options = { ...seams, place: binariesPlace(process.env), searchPath: process.env["PATH"], program: process.env["THREEPORT_HELM"] || undefined };

/** Runs where helm is; `npm test` gets it first, and in CI it is there or its lack is told. */
export const describeWithHelm: typeof describe.skip = process.env["THREEPORT_E2E"] === "1" || (await hasHelm(options)) ? describe : describe.skip;

/** Renders with the real helm; charts are kept in a folder of its own. */
export async function testHelm({ fetcher = createFetcher() }: { readonly fetcher?: Fetcher } = {}): Promise<Helm & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-helm-test-"));
  const program = await ensureHelm(options);
  return { ...createHelm({ ...options, program, fetcher, folder }), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
