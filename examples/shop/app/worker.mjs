// Takes orders from the queue and writes them into the table. Ends when one of both is lost: Kubernetes starts it again.
import { openQueue } from "./amqp.mjs";
import { openOrders } from "./orders.mjs";
import { redis } from "./redis.mjs";

const { DATABASE_URL, REDIS_URL, AMQP_URL } = process.env;
process.once("SIGTERM", () => process.exit(0));
const orders = openOrders(DATABASE_URL);
await orders.prepare();
const queue = await openQueue(AMQP_URL, "orders");
await queue.consume(async (message) => {
  const order = JSON.parse(message);
  await orders.add(order);
  await redis(REDIS_URL, ["INCR", "worked"]);
  console.log(`order ${order.id}: ${order.item}`);
});
console.log("waiting for orders");
await queue.ended;
