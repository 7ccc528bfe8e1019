import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { accessOf, hasContext, withContext, withoutContext, type Access } from "./context-entry.ts";

const access: Access = { server: "https://127.0.0.1:7443", caData: "b3Vycw==", token: "tp-secret" };

const theirs = `# written by hand
apiVersion: v1
kind: Config
preferences: {}
clusters:
  - name: prod # the big one
    cluster:
      server: https://prod.example:6443
      certificate-authority: /etc/prod/ca.crt
users:
  - name: me
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: login
contexts:
  - name: prod
    context: {cluster: prod, user: me, namespace: shop}
current-context: prod
`;

describe("a context is put into the user's kubeconfig", () => {
  test("a file that is not there becomes one with our context as the current one", () => {
    const merged = withContext(undefined, access);
    expect(parse(merged?.text ?? "")).toEqual({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "threeport", cluster: { server: access.server, "certificate-authority-data": access.caData } }],
      users: [{ name: "threeport-admin", user: { token: access.token } }],
      contexts: [{ name: "threeport", context: { cluster: "threeport", user: "threeport-admin" } }],
      "current-context": "threeport",
    });
    expect(merged).toMatchObject({ changed: true, current: true });
  });

  test("what others wrote keeps its meaning, its order and its comments, and their current context stays", () => {
    const merged = withContext(theirs, access);
    const before = parse(theirs) as Record<string, unknown[]>;
    const after = parse(merged?.text ?? "") as Record<string, unknown[]>;
    for (const list of ["clusters", "users", "contexts"]) expect(after[list]?.slice(0, -1)).toEqual(before[list]);
    expect(after["current-context"]).toBe("prod");
    expect(after["preferences"]).toEqual({});
    expect(merged?.text).toContain("# written by hand");
    expect(merged?.text).toContain("# the big one");
    expect(merged?.current).toBe(false);
  });

  test("adding it again changes nothing", () => {
    const once = withContext(theirs, access)?.text ?? "";
    expect(withContext(once, access)).toEqual({ text: once, changed: false, current: false });
  });

  test("a new address and token replace the old ones, and the namespace that the user chose for the context stays", () => {
    const once = (withContext(theirs, access)?.text ?? "").replace("user: threeport-admin\n", "user: threeport-admin\n      namespace: shop\n");
    const again = parse(withContext(once, { ...access, server: "https://127.0.0.1:9", token: "tp-other" })?.text ?? "") as {
      contexts: unknown[];
      clusters: unknown[];
      users: unknown[];
    };
    expect(again.clusters).toHaveLength(2);
    expect(again.clusters[1]).toMatchObject({ cluster: { server: "https://127.0.0.1:9" } });
    expect(again.users[1]).toEqual({ name: "threeport-admin", user: { token: "tp-other" } });
    expect(again.contexts[1]).toEqual({ name: "threeport", context: { cluster: "threeport", user: "threeport-admin", namespace: "shop" } });
  });

  test("the context of another control plane, which is elsewhere, is left alone", () => {
    const foreign = (withContext(theirs, access)?.text ?? "").replace("127.0.0.1:7443", "threeport.example:443");
    expect(withContext(foreign, { ...access, caData: "b3RoZXI=" })).toBeUndefined();
  });

  test("an entry that an earlier home on this machine left behind is replaced", () => {
    const leftover = withContext(theirs, access)?.text ?? "";
    expect(withContext(leftover, { ...access, caData: "bmV3" })?.text).toContain("bmV3");
  });

  const broken = [
    { name: "a list", text: "- a\n", because: "a kubeconfig is a mapping" },
    { name: "another kind", text: "kind: Pod\n", because: "writing into it would break it" },
    { name: "no YAML", text: "clusters: [\n", because: "what cannot be read cannot be kept" },
    { name: "clusters that are no list", text: "clusters: {a: b}\n", because: "they would be lost" },
    { name: "a huge file", text: `kind: Config\n# ${"x".repeat(5_000_000)}\n`, because: "input is bounded" },
  ];
  test.each(broken)("$name is refused and so stays as it is", ({ text }) => {
    expect(() => withContext(text, access)).toThrow(/the kubeconfig cannot be used/);
  });

  test("no message quotes what stands in a broken file, since it may be a credential", () => {
    expect(() => withContext("users: [{token: very-secret\n", access)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("very-secret") as string }),
    );
  });
});

describe("a context is taken out again", () => {
  test("what was there before is there as it was", () => {
    const merged = withContext(theirs, access)?.text ?? "";
    expect(parse(withoutContext(merged, access) ?? "")).toEqual(parse(theirs));
  });

  test("the current context goes with it when it was ours", () => {
    const alone = withContext(undefined, access)?.text ?? "";
    expect(parse(withoutContext(alone, access) ?? "")).toEqual({ apiVersion: "v1", kind: "Config", clusters: [], users: [], contexts: [] });
  });

  test("one of another control plane stays", () => {
    const merged = withContext(theirs, access)?.text ?? "";
    expect(withoutContext(merged, { caData: "b3RoZXI=" })).toBeUndefined();
    expect(withoutContext(theirs, access)).toBeUndefined();
  });
});

test("the server's own kubeconfig says how it is reached, and a half one says what to do", () => {
  const own = withContext(undefined, access)?.text ?? "";
  expect(accessOf(own)).toEqual(access);
  expect(() => accessOf("kind: Config\n")).toThrow(/tptctl down and up/);
  expect(hasContext(own)).toBe(true);
  expect(hasContext(theirs)).toBe(false);
});
