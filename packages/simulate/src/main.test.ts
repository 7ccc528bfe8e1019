import { systemExec } from "@threeport/platform";
import { expect, test } from "vitest";

const program = new URL("main.ts", import.meta.url).pathname;

async function refusal(...args: string[]): Promise<string> {
  const { code, stderr } = await systemExec.run(process.execPath, [program, ...args]);
  expect(code).toBe(2);
  return stderr;
}

test("a campaign that would play nothing is refused, with what there is", { timeout: 120_000 }, async () => {
  expect(await refusal("--scenario", "rollback", "--fault", "end-after", "--point", "100000")).toMatch(/rollback has the points 1 to \d+/);
  expect(await refusal("--scenario", "rollback", "--fault", "freeze-hasty")).toContain("these scenarios allow: ");
  expect(await refusal("--points", "1.5")).toContain("--points wants a whole number");
  expect(await refusal("--minutes", "Infinity")).toContain("--minutes wants a number above 0");
  expect(await refusal("--scenario", "no-such")).toContain("there are deploy-change-delete");
});

test("one run says what it struck", { timeout: 120_000 }, async () => {
  const { stdout } = await systemExec.run(process.execPath, [program, "--scenario", "rollback", "--fault", "end-after", "--point", "7"]);
  expect(stdout).toMatch(/^the same end, struck at: \S+/);
});
