import { cpus, release, totalmem } from "node:os";

/** What the numbers were measured on. */
export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.version}`;
}
