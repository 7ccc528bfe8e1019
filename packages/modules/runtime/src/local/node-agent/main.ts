import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createClient, parseKubeconfig } from "@threeport/client";
import { systemClock, systemRandom, type Logger } from "@threeport/platform";
import { takeProcessLock } from "../process-lock.ts";
import { runNodeAgent } from "./node-agent.ts";

/** A program of its own, started inside a local node beside the kubelet (component-commands.ts). It ends with the node. */
const { values } = parseArgs({
  options: {
    kubeconfig: { type: "string", default: "" },
    node: { type: "string", default: "" },
    "volumes-folder": { type: "string", default: "" },
    "volumes-path": { type: "string", default: "" },
    addresses: { type: "string", default: "" },
  },
});

const log: Logger = { info: (message, fields = {}) => void process.stdout.write(`${message} ${JSON.stringify(fields)}\n`), debug: () => {} };
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

// Of the node's own network namespace: one agent in each node, also when one was started and not noted.
await using _lock = await takeProcessLock("node-agent", { signal: stop.signal });
await using client = createClient(parseKubeconfig(await readFile(values.kubeconfig, "utf8")));
await runNodeAgent({
  client,
  clock: systemClock,
  random: systemRandom,
  log,
  nodeName: values.node,
  volumesFolder: values["volumes-folder"],
  volumesPath: values["volumes-path"],
  addresses: values.addresses.split(",").filter((address) => address !== ""),
  signal: stop.signal,
});
