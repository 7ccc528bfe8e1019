import { expect, test } from "vitest";
import { loadYamlDocuments } from "./load-yaml-documents.ts";
import { locate } from "./locate.ts";

const text = `# a comment
apiVersion: v1
metadata:
  labels: &labels
    app.kubernetes.io/name: x
    a: {b: 1}
    a.b: y
spec:
  containers:
  - name: web
    ports: [{containerPort: 80, protocol: TCP}, {containerPort: 81, protocol: UDP}]
  - name: db
    image: y
    labels:
      <<: *labels
    more: *labels
---
second: {list: [1,
  2]}
`;

test.each([
  { path: "", line: 2, column: 1, because: "the document" },
  { path: "apiVersion", line: 2, column: 1, because: "a key" },
  { path: "spec.containers[1].image", line: 13, column: 5, because: "an item by number" },
  { path: ".spec.containers.1.image", line: 13, column: 5, because: "a leading dot and a bare number, as some validators write" },
  { path: 'spec.containers[name="db"].image', line: 13, column: 5, because: "an item by key, as server-side apply writes" },
  { path: 'spec.containers[0].ports[containerPort=81,protocol="UDP"].protocol', line: 11, column: 69, because: "an item by two keys" },
  { path: "spec.containers[1]", line: 12, column: 5, because: "an item begins with its value" },
  { path: "metadata.labels[app.kubernetes.io/name]", line: 5, column: 5, because: "a key with dots in brackets" },
  { path: "metadata.labels.app.kubernetes.io/name", line: 5, column: 5, because: "a key with dots without brackets" },
  { path: "metadata.labels.a.b", line: 7, column: 5, because: "the longest key that fits" },
  { path: 'metadata.labels["a"].b', line: 6, column: 9, because: "quotes in brackets" },
  { path: "spec.containers[1].labels.a.b", line: 7, column: 5, because: "what a merge key brings stands where it is written" },
  { path: "spec.containers[1].more[a.b]", line: 7, column: 5, because: "what an alias brings stands where it is written" },
  { path: "spec.replicas", line: 8, column: 1, because: "a missing field: its parent" },
  { path: "spec.containers[7].image", line: 9, column: 3, because: "a missing item: its list" },
  { path: "apiVersion.deeper[3]", line: 2, column: 1, because: "a path through a scalar" },
  { path: "apiVersio", line: 2, column: 1, because: "no key begins a path that it is only a part of" },
])("$path: $because", ({ path, line, column }) => {
  const [document] = loadYamlDocuments(text).documents;
  if (document === undefined) throw new Error("no document");
  expect(locate(document, path)).toEqual({ line, column });
});

test("later documents count lines from the top of the file", () => {
  const document = loadYamlDocuments(text).documents[1];
  if (document === undefined) throw new Error("no document");
  expect(locate(document, "second.list[1]")).toEqual({ line: 19, column: 3 });
});
