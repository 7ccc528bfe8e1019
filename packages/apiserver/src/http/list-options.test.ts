import { expect, test } from "vitest";
import { PlatformError } from "@threeport/resource";
import { readListOptions } from "./list-options.ts";
import { Query } from "./negotiation.ts";

const unlessVersion = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided";
const whenContinue = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided";
const zero = 'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
const forList = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list";
const notOlderThan = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
const unlessEvents = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
const ofList = (value: string) => `resourceVersionMatch: Unsupported value: "${value}": supported values: "Exact", "NotOlderThan", ""`;
const ofWatch = (value: string) => `resourceVersionMatch: Unsupported value: "${value}": supported values: "NotOlderThan"`;

/** Expected is what kube-apiserver 1.36 answered to the same parameters. Empty: accepted. */
const cases: readonly [verb: "list" | "watch", query: string, problems: readonly string[]][] = [
  ["list", "", []],
  ["list", "resourceVersion=5", []],
  ["list", "resourceVersion=5&resourceVersionMatch=Exact", []],
  ["list", "resourceVersion=0&resourceVersionMatch=NotOlderThan", []],
  ["list", "resourceVersionMatch=Exact", [unlessVersion]],
  ["list", "resourceVersionMatch=NotOlderThan", [unlessVersion]],
  ["list", "resourceVersionMatch=Foo", [unlessVersion, ofList("Foo")]],
  ["list", "resourceVersionMatch=Foo&resourceVersion=1", [ofList("Foo")]],
  ["list", "resourceVersionMatch=Exact&resourceVersion=0", [zero]],
  ["list", "continue=abc&resourceVersion=5", []],
  ["list", "continue=abc&resourceVersion=5&resourceVersionMatch=Exact", [whenContinue]],
  ["list", "sendInitialEvents=true", [forList]],
  ["list", "sendInitialEvents=false", [forList]],
  ["list", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan", [unlessVersion, forList]],
  ["watch", "", []],
  ["watch", "resourceVersion=5", []],
  ["watch", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan", []],
  ["watch", "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=5", []],
  ["watch", "sendInitialEvents=true", [notOlderThan]],
  ["watch", "sendInitialEvents=false", [notOlderThan]],
  ["watch", "sendInitialEvents=true&resourceVersionMatch=Exact", [notOlderThan, ofWatch("Exact")]],
  ["watch", "sendInitialEvents=true&resourceVersionMatch=Foo", [notOlderThan, ofWatch("Foo")]],
  ["watch", "resourceVersionMatch=NotOlderThan", [unlessEvents]],
  ["watch", "resourceVersionMatch=Exact", [unlessEvents, ofWatch("Exact")]],
  ["watch", "continue=abc", [whenContinue]],
  ["watch", "continue=abc&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", [whenContinue]],
];

test.each(cases)("%s?%s is taken or refused in upstream's words", (verb, query, problems) => {
  let refused: PlatformError | undefined;
  try {
    readListOptions(new Query(query), verb);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    refused = error;
  }
  if (problems.length === 0) return expect(refused).toBeUndefined();
  const told = problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`;
  expect([refused?.code, refused?.message]).toEqual(["TP_INVALID", `ListOptions.meta.k8s.io "" is invalid: ${told}`]);
  expect(refused?.causes.map((cause) => `${cause.field ?? ""}: ${cause.message}`)).toEqual(problems);
});
