import { expect, test } from "vitest";
import { userWith } from "../testing/access.ts";
import { configMap, configMaps, secrets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";
import type { AuditEntry } from "./audit.ts";

test("writes and refusals are written down with who, what and how it ended; readings and values are not", async () => {
  const entries: AuditEntry[] = [];
  await using api = await openTestApi({ audit: (entry) => void entries.push(entry) });
  const user = await userWith(api, "user", { here: [{ apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["create", "get"] }] });
  await user("POST", configMaps, { body: configMap("made", { value: "canary-1" }), headers: { "user-agent": "tester/1" } });
  await user("POST", secrets, { body: { apiVersion: "v1", kind: "Secret", metadata: { generateName: "made-" }, stringData: { value: "canary-2" } } });
  await user("GET", `${configMaps}/made`);
  await user("GET", `${configMaps}/missing`);
  await user("DELETE", `${configMaps}/made?dryRun=All`);
  await user("GET", "/metrics");
  await user("POST", configMaps, { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "Not A Name" } } });
  await api.call("DELETE", `${configMaps}/made?dryRun=All`, { headers: { "impersonate-user": "admin-in-disguise", "impersonate-group": "system:masters" } });
  await api.call("GET", configMaps, { token: "canary-3" });
  const made = { user: "user", group: "", resource: "configmaps", namespace: "default", name: "made" };
  expect(entries).toMatchObject([
    { ...made, verb: "create", status: 201, userAgent: "tester/1", address: expect.stringContaining("127.0.0.1") as string },
    { ...made, verb: "create", resource: "secrets", status: 201, name: expect.stringMatching(/^made-\w{5}$/) as string },
    { ...made, verb: "delete", status: 403, dryRun: true },
    { user: "user", verb: "get", path: "/metrics", status: 403 },
    { ...made, verb: "create", name: "", status: 422 },
    { ...made, user: "admin-in-disguise", impersonatedBy: "admin", verb: "delete", status: 200, dryRun: true },
    { user: undefined, verb: "get", path: configMaps, status: 401 },
  ]);
  expect(entries).toHaveLength(7);
  expect(JSON.stringify(entries)).not.toMatch(/canary-|token-of/);
});
