import { normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { differenceFrom, judge } from "./judge.ts";
import { readSources, type Source } from "./sources.ts";

const judged = (text: string) => judge(Buffer.from(text), "score.yaml");
const base = "apiVersion: score.dev/v1b1\nmetadata: {name: shop}\n";
const source = (expected: Pick<Source, "expect" | "notices">): Source => ({
  repo: "a/b",
  path: "c.yaml",
  commit: "0".repeat(40),
  sha256: "0".repeat(64),
  ...expected,
});

describe("a text is judged as a deployment would be, with something in place of all that it would find", () => {
  test("images, files beside it, variables, workloads, and resources whose params read others", () => {
    const text = `${base}service: {ports: {web: {port: 80}}}
containers:
  web:
    image: .
    files: {/etc/page: {source: ./page.html}}
    variables: {LEVEL: "\${resources.env.LEVEL}", DB: "postgres://\${resources.db.username}:\${resources.db.password}@db", API: "\${resources.api.hostname}:\${resources.api.port}"}
resources:
  env: {type: environment}
  db: {type: postgres}
  api: {type: service-port, params: {workload: api, port: web}}
  dns: {type: dns}
  route: {type: route, params: {host: "\${resources.dns.host}", path: /, port: 80}}
`;
    expect(judged(text)).toEqual({ verdict: "valid", refused: [], notices: [], message: "" });
  });

  test("what is wrong in any document of the text, and what cannot be parsed", () => {
    const text = `${base}containers: {web: {image: nginx}}\n---\n${base}containers: {}\n`;
    expect(judged(text)).toMatchObject({ verdict: "refused", refused: ["containers"] });
    expect(judged("a: b: c")).toMatchObject({ verdict: "refused", refused: ["yaml"], message: expect.stringContaining("score.yaml:1:4") as string });
  });

  test("old forms are valid, with notices", () => {
    expect(judged(`${base}containers: {web: {image: nginx, files: [{target: /a, content: b}]}}`)).toMatchObject({
      verdict: "valid",
      notices: ["containers.web.files"],
      message: expect.stringContaining("old form") as string,
    });
  });
});

describe("a judgement differs from what is expected", () => {
  const wrong = judged(`${base}containers: {web: {image: }}`);
  const old = judged(`${base}containers: {web: {image: nginx, files: [{target: /a, content: b}]}}`);

  test("never, when the same fields are named", () => {
    expect(differenceFrom(source({ expect: { "containers.web.image": "it has no value" } }), wrong)).toBeUndefined();
    expect(differenceFrom(source({ expect: "valid", notices: ["containers.web.files"] }), old)).toBeUndefined();
  });

  test("when others are, which it says", () => {
    expect(differenceFrom(source({ expect: "valid" }), wrong)).toBe("refused, and not expected: containers.web.image");
    expect(differenceFrom(source({ expect: { "metadata.name": "it has no value" } }), wrong)).toBe(
      "refused, and not expected: containers.web.image; expected to be refused: metadata.name",
    );
    expect(differenceFrom(source({ expect: "valid" }), old)).toBe("noticed, and not expected: containers.web.files");
  });
});

test("the list names many files, each once and below the folder, and says why what is refused is refused", async () => {
  const sources = await readSources();
  const names = sources.map(({ repo, path }) => `${repo}/${path}`);
  expect(sources.length).toBeGreaterThan(100);
  expect(new Set(names).size).toBe(names.length);
  for (const each of sources) {
    expect(each.repo).toMatch(/^[\w-]+\/[\w.-]+$/);
    expect(normalize(`/${each.path}`)).toBe(`/${each.path}`);
    expect(each.commit).toMatch(/^[0-9a-f]{40}$/);
    expect(each.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(each.expect === "valid" || Object.values(each.expect).some((why) => why.length > 10), each.path).toBe(true);
  }
});
