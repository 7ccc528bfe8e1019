import { expect, test } from "vitest";
import { chooseTestFiles, findTestFiles, thatNeedKubernetes } from "./test-files.ts";

const paths = ["packages/store/src/queue.test.ts", "packages/store/src/big.e2e.test.ts", "packages/cli/src/app.test.ts"];

test("files that start real clusters are told apart by their ending", () => {
  expect(chooseTestFiles(paths, [])).toEqual({
    unit: ["packages/cli/src/app.test.ts", "packages/store/src/queue.test.ts"],
    endToEnd: ["packages/store/src/big.e2e.test.ts"],
  });
});

test("a filter is a part of a path, as a shell completes it", () => {
  expect(chooseTestFiles(paths, ["./packages/store/"])).toEqual({
    unit: ["packages/store/src/queue.test.ts"],
    endToEnd: ["packages/store/src/big.e2e.test.ts"],
  });
  expect(chooseTestFiles(paths, ["app", "big"])).toEqual({ unit: ["packages/cli/src/app.test.ts"], endToEnd: ["packages/store/src/big.e2e.test.ts"] });
  expect(chooseTestFiles(paths, ["no such"])).toEqual({ unit: [], endToEnd: [] });
});

test("this very file is found in the checkout", async () => {
  expect((await findTestFiles(["scripts/lib/test-files"])).unit).toEqual(["scripts/lib/test-files.test.ts"]);
});

test("who starts Kubernetes programs is known by its text or its ending", async () => {
  const files = await findTestFiles(["packages/cluster/src/drift.test", "local-kubernetes.e2e", "scripts/lib/tally"]);
  const needy = await thatNeedKubernetes(files);
  expect([...needy].sort()).toEqual(["packages/cluster/src/drift.test.ts", "packages/modules/runtime/src/local/local-kubernetes.e2e.test.ts"]);
});
