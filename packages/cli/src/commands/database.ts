import { resolve } from "node:path";
import type { CliContext } from "../context.ts";
import { inServerProgram } from "../server/in-server-program.ts";

export async function backup(this: CliContext, _flags: object, file: string): Promise<void> {
  await inServerProgram(this, ["backup", resolve(file)]);
}

export async function restore(this: CliContext, _flags: object, file: string): Promise<void> {
  await inServerProgram(this, ["restore", resolve(file)]);
}

export async function rotateKeys(this: CliContext, flags: { readonly keyEncryptionKey: boolean }): Promise<void> {
  await inServerProgram(this, [flags.keyEncryptionKey ? "rotate-key-encryption-key" : "rotate-data-key"]);
}

export async function keyStatus(this: CliContext): Promise<void> {
  await inServerProgram(this, ["key-status"]);
}
