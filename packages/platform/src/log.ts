/** Constant message, variable fields (style.md §13). `info` is for what an operator acts on. */
export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLogger: Logger = { info: () => {}, debug: () => {} };
