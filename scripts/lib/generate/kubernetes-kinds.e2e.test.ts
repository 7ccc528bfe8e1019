import { expect, test } from "vitest";
import { describeWithKubernetes } from "../../../packages/cluster/src/testing/index.ts";
import { systemExec } from "../../../packages/platform/src/index.ts";

const script = new URL("../../generate-sim-kinds.ts", import.meta.url).pathname;

describeWithKubernetes("kinds of the simulation", () => {
  test("the committed kinds are those of the kube-apiserver at hand", { timeout: 90_000 }, async () => {
    const { code, stdout } = await systemExec.run(process.execPath, [script, "--check"]);
    expect(stdout).toContain("the kinds of Kubernetes are fresh");
    expect(code).toBe(0);
  });
});
