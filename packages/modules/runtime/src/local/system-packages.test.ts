import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureSystemPackages } from "./system-packages.ts";

const programs = ["runc", "busybox", "ip", "iptables", "nft", "nsenter", "unshare", "mount"];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "threeport-packages-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(...names: string[]): Promise<void> {
  for (const name of names) await writeFile(join(folder, name), "static", { mode: 0o755 });
}

/** `apt-get install` puts the programs of a package into the folder; `ldd` succeeds for files that hold "dynamic". */
function system(options: { readonly busyboxIsDynamic?: boolean; readonly installFails?: boolean } = {}) {
  const calls: string[] = [];
  let dynamic = options.busyboxIsDynamic ?? false;
  const exec: Exec = {
    run: async (command, args) => {
      calls.push([command, ...args].join(" "));
      if (command === "ldd") return { code: dynamic ? 0 : 1, stdout: "", stderr: "" };
      if (options.installFails === true) return { code: 100, stdout: "", stderr: "E: no network" };
      if (args[0] === "install") {
        await put(...programs);
        dynamic = false;
      }
      return { code: 0, stdout: "", stderr: "" };
    },
    start: () => {
      throw new Error("not used");
    },
  };
  return { exec, installs: () => calls.filter((call) => call.startsWith("apt-get")) };
}

test("nothing is installed where everything is there", async () => {
  await put(...programs);
  const { exec, installs } = system();
  expect(await ensureSystemPackages({ exec, searchFolders: [folder], mayInstall: true })).toEqual({
    runc: join(folder, "runc"),
    busybox: join(folder, "busybox"),
  });
  expect(installs()).toEqual([]);
});

test("root gets what is missing, after one update of the package lists", async () => {
  await put(...programs.filter((program) => program !== "runc" && program !== "nft"));
  const { exec, installs } = system();
  await ensureSystemPackages({ exec, searchFolders: [folder], mayInstall: true });
  expect(installs()).toEqual(["apt-get update", "apt-get install -y --no-install-recommends runc nftables"]);
});

test("a busybox that needs libraries does not count, because images hold nothing else", async () => {
  await put(...programs);
  const { exec, installs } = system({ busyboxIsDynamic: true });
  await ensureSystemPackages({ exec, searchFolders: [folder], mayInstall: true });
  expect(installs()[1]).toContain("busybox-static");
});

test("others are told which packages to install, and nothing is tried", async () => {
  await put("ip", "mount", "nsenter", "unshare");
  await writeFile(join(folder, "runc"), "");
  await chmod(join(folder, "runc"), 0o644);
  const { exec, installs } = system();
  const refused = { code: "TP_TOOL_MISSING", message: expect.stringContaining("runc, busybox-static, iptables, nftables. Installing them needs root.") };
  await expect(ensureSystemPackages({ exec, searchFolders: [folder], mayInstall: false })).rejects.toMatchObject(refused);
  expect(installs()).toEqual([]);
});

test("a failed installation says what apt-get said", async () => {
  const { exec } = system({ installFails: true });
  await expect(ensureSystemPackages({ exec, searchFolders: [folder], mayInstall: true })).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("E: no network"),
  });
});
