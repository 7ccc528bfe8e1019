#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Compiled code is kept between runs, which saves most of the start. Node makes the folder, and does without it where it cannot.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "threeport", "compiled"));
const { runTptctl } = await import("./run.ts");
await runTptctl(process.argv.slice(2));
