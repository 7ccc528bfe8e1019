import { pino } from "pino";
import type { Logger } from "@threeport/platform";

/** JSON lines on standard output: constant message, variable fields. */
export function createLogger(verbose: boolean): Logger {
  const logger = pino({ level: verbose ? "debug" : "info", base: null, timestamp: pino.stdTimeFunctions.isoTime });
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    debug: (message, fields) => logger.debug(fields ?? {}, message),
  };
}
