import { mkdir } from "node:fs/promises";
import { applicationImage } from "./shop/application-image.ts";
import { shopCache, type PartsRequest } from "./shop/parts-request.ts";
import { postgresClient, postgresImage } from "./shop/postgres-image.ts";
import { rabbitmqImage, rabbitmqPrograms } from "./shop/rabbitmq-image.ts";
import { redisImage, redisPrograms } from "./shop/redis-image.ts";
import { versitygwImage, versitygwProgram } from "./shop/versitygw-image.ts";

// What examples/shop runs, for machines that reach no registry of images: programs of this machine under the names that the built-in profiles say.

const makers = [postgresImage, redisImage, rabbitmqImage, versitygwImage, applicationImage];

/** Fetches and builds what is missing of the servers' programs. @throws PlatformError TP_TOOL_MISSING with the end of what the failing tool said */
export async function fetchShopPrograms(request: PartsRequest): Promise<void> {
  await mkdir(shopCache(request), { recursive: true });
  for (const fetch of [postgresClient, redisPrograms, rabbitmqPrograms, versitygwProgram]) await fetch(request);
}

/** Writes the images of the shop and of all that it depends on into `out`, for `tptctl runtime load-image`. Returns their paths. */
export async function makeShopImages(out: string, request: PartsRequest): Promise<readonly string[]> {
  await Promise.all([out, shopCache(request)].map((each) => mkdir(each, { recursive: true })));
  const paths: string[] = [];
  for (const make of makers) paths.push((await make(out, request)).path);
  return paths;
}
