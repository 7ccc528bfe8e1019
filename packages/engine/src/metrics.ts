import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Queue } from "@threeport/store";

/** What an operator watches; served on `/metrics`. */
export interface EngineMetrics {
  readonly registry: Registry;
  run(queue: string, result: string, seconds: number): void;
  request(call: { readonly method: string; readonly resource: string; readonly status: number; readonly seconds: number }): void;
  text(): Promise<string>;
}

export function createMetrics(queue: Queue): EngineMetrics {
  const registry = new Registry();
  const runs = new Counter({
    name: "threeport_reconcile_total",
    help: "Runs of reconcilers by queue and result.",
    labelNames: ["queue", "result"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "threeport_reconcile_seconds",
    help: "Time of one run.",
    labelNames: ["queue"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  const requests = new Counter({
    name: "threeport_api_requests_total",
    help: "API requests by verb, resource and status.",
    labelNames: ["method", "resource", "code"],
    registers: [registry],
  });
  const latency = new Histogram({
    name: "threeport_api_request_seconds",
    help: "Time to answer an API request.",
    labelNames: ["method"],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1, 5],
    registers: [registry],
  });
  const memory = new Gauge({ name: "process_resident_memory_bytes", help: "Memory of this process.", registers: [registry] });
  const depth = new Gauge({ name: "threeport_queue_rows", help: "Rows of the work queue by state.", labelNames: ["queue", "state"], registers: [registry] });
  return {
    registry,
    run(name, result, took) {
      runs.inc({ queue: name, result });
      seconds.observe({ queue: name }, took);
    },
    request(call) {
      requests.inc({ method: call.method, resource: call.resource, code: String(call.status) });
      latency.observe({ method: call.method }, call.seconds);
    },
    async text() {
      memory.set(process.memoryUsage.rss());
      depth.reset();
      for (const row of await queue.depth()) {
        depth.set({ queue: row.queue, state: "all" }, row.rows);
        depth.set({ queue: row.queue, state: "due" }, row.due);
        depth.set({ queue: row.queue, state: "leased" }, row.leased);
        depth.set({ queue: row.queue, state: "failing" }, row.failing);
      }
      return registry.metrics();
    },
  };
}
