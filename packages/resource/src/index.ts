export * from "./errors.ts";
export * from "./object.ts";
export * from "./status.ts";
