import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "./repository.ts";

async function documents(): Promise<string[]> {
  const found: string[] = [];
  for await (const path of glob(["README.md", "docs/**/*.md"], { cwd: repository })) found.push(path);
  return found;
}

const read = (path: string) => readFile(join(repository, path), "utf8");

test("every link between documents leads to a file", async () => {
  const broken: string[] = [];
  for (const document of await documents()) {
    for (const [, target = ""] of (await read(document)).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(target) && !existsSync(join(repository, dirname(document), target))) broken.push(`${document} → ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("no document has both sides of a merge in it", async () => {
  const torn: string[] = [];
  for (const document of await documents()) if (/^(?:<{7}|>{7}|\|{7}) /m.test(await read(document))) torn.push(document);
  expect(torn).toEqual([]);
});

test("every file of the repository that a document names is there", async () => {
  const missing: string[] = [];
  for (const document of await documents()) {
    for (const [, path = ""] of (await read(document)).matchAll(/`((?:packages|scripts|examples|docs)\/[\w./-]+)`/g)) {
      if (!existsSync(join(repository, path))) missing.push(`${document} names ${path}`);
    }
  }
  expect(missing).toEqual([]);
});

test("every test that docs/robustness.md names stands in its file", async () => {
  const items = [...(await read("docs/robustness.md")).matchAll(/^- `([^`]+\.test\.ts)`:((?:.|\n(?=  ))*)/gm)];
  expect(items.length).toBeGreaterThan(10);
  const missing: string[] = [];
  for (const [, file = "", rest = ""] of items) {
    const titles = [...rest.replaceAll(/\s+/g, " ").matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title);
    expect(titles.length, file).toBeGreaterThan(0);
    const text = await read(file).catch(() => "");
    missing.push(...titles.filter((title) => !text.includes(title)).map((title) => `${file}: ${title}`));
  }
  expect(missing).toEqual([]);
});
