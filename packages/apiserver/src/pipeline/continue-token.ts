import { PlatformError } from "@threeport/resource";

/** Where a list goes on. */
export interface ContinueToken {
  /** The number of the state that all pages show; 0 for the newest, after that state was compacted. */
  readonly rv: number;
  /** The last object of the page before. */
  readonly namespace: string;
  readonly name: string;
  /** Objects behind it when the list began; undefined where selectors decide. */
  readonly remaining: number | undefined;
}

export function writeToken({ rv, namespace, name, remaining }: ContinueToken): string {
  return Buffer.from(JSON.stringify([1, rv, namespace, name, ...(remaining === undefined ? [] : [remaining])])).toString("base64url");
}

/** A token made by hand must not reach the database with anything else than what a token of ours holds. */
export function readToken(text: string): ContinueToken {
  try {
    const [version, rv, namespace, name, remaining] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    if (version === 1 && isCount(rv) && isPosition(namespace) && isPosition(name) && (remaining === undefined || isCount(remaining)))
      return { rv, namespace, name, remaining };
  } catch {
    // answered below like any other token that we did not write
  }
  throw new PlatformError("TP_BAD_REQUEST", { message: "the continue token is not valid; start the list again without it" });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isPosition(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{0,253}$/.test(value);
}
