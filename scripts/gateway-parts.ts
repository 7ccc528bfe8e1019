/**
 * The gateway and the metrics that come with the control plane, for machines that reach no registry of images.
 *
 *   npm run gateway:parts -- --out FOLDER
 *
 * Builds Contour and metrics-server and fetches Envoy (once a machine), and writes FOLDER/mirror for `tptctl up --mirror`, and images for `tptctl runtime load-image`.
 */
import { mkdir } from "node:fs/promises";
import { binariesPlace } from "../packages/modules/runtime/src/local/index.ts";
import { systemExec } from "../packages/platform/src/index.ts";
import { toPlatformError } from "../packages/resource/src/index.ts";
import { makeGatewayParts } from "./lib/gateway-parts.ts";
import { outFolder } from "./lib/out-folder.ts";

const out = outFolder("gateway:parts");
await mkdir(out, { recursive: true });
try {
  const { cacheDir } = binariesPlace(process.env);
  const { mirror, images } = await makeGatewayParts(out, { exec: systemExec, cacheDir, say: (line) => void process.stderr.write(`${line}\n`) });
  process.stdout.write([`tptctl up --runtime local --mirror ${mirror}`, ...images.map((image) => `tptctl runtime load-image local ${image}`), ""].join("\n"));
} catch (thrown) {
  const error = toPlatformError(thrown);
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error.entry.exit;
}
