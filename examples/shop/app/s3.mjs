// As much of an S3 client as this shop needs: signed requests (AWS Signature Version 4) for one bucket.
import { createHash, createHmac } from "node:crypto";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

/** @param {{endpoint: string, region: string, bucket: string, accessKeyId: string, secretKey: string}} bucket */
export function openBucket({ endpoint, region, bucket, accessKeyId, secretKey }) {
  async function call(method, key, { query = {}, body = "" } = {}) {
    const url = new URL(`${endpoint}/${bucket}/${key}`);
    url.search = new URLSearchParams(query).toString();
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    const headers = { host: url.host, "x-amz-content-sha256": sha256(body), "x-amz-date": time };
    const names = Object.keys(headers).join(";");
    const canonicalHeaders = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    const canonical = [method, url.pathname, url.searchParams.toString(), canonicalHeaders.join(""), names, headers["x-amz-content-sha256"]].join("\n");
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const signingKey = scope.split("/").reduce(hmac, `AWS4${secretKey}`);
    const signature = hmac(signingKey, ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")).toString("hex");
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    const answer = await fetch(url, { method, headers: { ...headers, authorization }, ...(body === "" ? {} : { body }), signal: AbortSignal.timeout(5_000) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`S3: ${method} ${url.pathname}: ${answer.status} ${text}`);
    return text;
  }
  return {
    store: (key, body) => call("PUT", key, { body }),
    read: (key) => call("GET", key),
    /** Names of all objects (of the first thousand). */
    async list() {
      const text = await call("GET", "", { query: { "list-type": "2" } });
      return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key);
    },
  };
}
