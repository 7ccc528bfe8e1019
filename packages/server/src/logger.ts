import { pino } from "pino";
import type { Logger } from "@threeport/platform";
import type { LogOutput } from "./log-output.ts";

/** JSON lines: constant message, variable fields. */
export function createLogger(verbose: boolean, output: LogOutput): Logger {
  const logger = pino({ level: verbose ? "debug" : "info", base: null, timestamp: pino.stdTimeFunctions.isoTime }, output);
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    debug: (message, fields) => logger.debug(fields ?? {}, message),
  };
}
