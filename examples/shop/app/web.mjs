// The shop's page: orders from PostgreSQL, visits counted in Redis, receipts in a bucket. An order goes to the worker through a queue.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { openQueue } from "./amqp.mjs";
import { openOrders } from "./orders.mjs";
import { redis } from "./redis.mjs";
import { openBucket } from "./s3.mjs";

const { DATABASE_URL, REDIS_URL, AMQP_URL, S3_ENDPOINT, S3_REGION, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_KEY, PORT = "8080" } = process.env;
const orders = openOrders(DATABASE_URL);
const receipts = openBucket({ endpoint: S3_ENDPOINT, region: S3_REGION, bucket: S3_BUCKET, accessKeyId: S3_ACCESS_KEY_ID, secretKey: S3_SECRET_KEY });
const escaped = (value) => String(value).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const items = (list) => list.map((each) => `<li>${escaped(each)}</li>`).join("\n");

async function page() {
  const [[visits, worked], rows, keys] = await Promise.all([redis(REDIS_URL, ["INCR", "visits"], ["GET", "worked"]), orders.list(), receipts.list()]);
  return `<!doctype html>
<title>Shop</title>
<h1>Shop</h1>
<p>Visits: ${visits}. Orders that the worker has written: ${worked ?? 0}.</p>
<form method="post" action="/orders"><input name="item" value="tea"> <button>Order</button></form>
<h2>Orders</h2>
<ul>
${items(rows.map(({ item }) => item))}
</ul>
<h2>Receipts</h2>
<ul>
${items(keys)}
</ul>
`;
}

async function order(item) {
  const id = randomUUID();
  await receipts.store(`${id}.txt`, `one ${item}\n`);
  const queue = await openQueue(AMQP_URL, "orders");
  try {
    await queue.publish(JSON.stringify({ id, item }));
  } finally {
    queue.close();
  }
}

const answers = {
  "GET /": async () => ({ type: "text/html; charset=utf-8", body: await page() }),
  "GET /ready": async () => (await orders.prepare(), { body: "ready\n" }),
  "POST /orders": async (request) => {
    await order(new URLSearchParams(await text(request)).get("item") || "nothing");
    return { status: 303, location: "/" };
  },
};

async function answerTo(request, response) {
  const { pathname } = new URL(request.url, "http://shop");
  const answer = answers[`${request.method} ${pathname}`];
  try {
    const { status = 200, type = "text/plain", location, body = "" } = answer === undefined ? { status: 404, body: "nothing here\n" } : await answer(request);
    response.writeHead(status, { "content-type": type, ...(location === undefined ? {} : { location }) }).end(body);
  } catch (error) {
    console.error(error.message);
    response.writeHead(503, { "content-type": "text/plain" }).end("something that the shop needs does not answer\n");
  }
}

const server = createServer((request, response) => void answerTo(request, response));
server.listen(Number(PORT), () => console.log(`the shop answers at port ${PORT}`));
process.once("SIGTERM", () => server.close(() => process.exit(0)).closeIdleConnections());
