#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { compiledFolder } from "./environment.ts";

// Compiled code is kept between runs, which saves most of the start. Node makes the folder, and does without it where it cannot.
enableCompileCache(compiledFolder(process.env));
const { runTptctl } = await import("./run.ts");
await runTptctl(process.argv.slice(2));
