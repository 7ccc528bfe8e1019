import { expect, test } from "vitest";
import { buildSteps, goModules } from "./go-modules.ts";
import { releaseFiles, sumOf } from "./releases.ts";

test.each(["amd64", "arm64"] as const)("the releases for %s hold exactly the binaries that a build makes", (architecture) => {
  const files = releaseFiles(architecture);
  expect(files.flatMap(({ binaries }) => Object.keys(binaries)).sort()).toEqual(buildSteps.map(({ binary }) => binary).sort());
  for (const { address } of files) expect(address).toContain(architecture);
});

test("releases and builds are of the same versions", () => {
  const addresses = releaseFiles("amd64").map(({ address }) => address);
  const version = (pattern: RegExp, text: string) => pattern.exec(text)?.[1];
  const built = [...Object.values(goModules), ...buildSteps.map((step) => step.package)].join("\n");
  const pairs = [
    [/kubernetes (v\S+)/, /release\/(v[^/]+)\/bin\/linux\/amd64\/kubelet$/],
    [/etcd\/server\/v3 (v\S+)/, /etcd-io\/etcd\/releases\/download\/(v[^/]+)/],
    [/containerd\/v2 (v\S+)/, /containerd\/containerd\/releases\/download\/(v[^/]+)/],
    [/plugins\/main\/bridge@(v\S+)/, /plugins\/releases\/download\/(v[^/]+)/],
    [/coredns@(v\S+)/, /coredns\/releases\/download\/(v[^/]+)/],
  ] as const;
  for (const [inBuild, inRelease] of pairs) {
    const wanted = version(inBuild, built);
    expect(wanted).toMatch(/^v\d/);
    expect(addresses.map((address) => version(inRelease, address))).toContain(wanted);
  }
});

const a = "a".repeat(64);
const b = "B".repeat(64);
const lists = [
  { name: "of one file that holds the sum alone", because: "dl.k8s.io writes it so", text: a, expected: a },
  { name: "of a list", because: "etcd has one list for all files", text: `${a}  other.tgz\n${b}  file.tgz\n`, expected: b.toLowerCase() },
  { name: "of a binary-mode line with a path", because: "sha256sum -b marks it by an asterisk", text: `${a} *release/file.tgz\n`, expected: a },
  { name: "nowhere in a list of others", because: "a sum of another file proves nothing", text: `${a}  other.tgz\n`, expected: undefined },
  { name: "in no page of an error", because: "it is no sum", text: "<html>not here</html>", expected: undefined },
  { name: "in none of two bare sums", because: "nobody knows which", text: `${a}\n${b}\n`, expected: undefined },
];
test.each(lists)("the sum is found $name: $because", ({ text, expected }) => {
  expect(sumOf(text, "file.tgz")).toBe(expected);
});
