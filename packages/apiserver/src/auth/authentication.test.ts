import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { expect, test, vi } from "vitest";
import { createAuthority, issue } from "@threeport/platform/pki";
import { systemClock, systemRandom, type Clock } from "@threeport/platform";
import { binding, inForce, openStream, rbac, userWith } from "../testing/access.ts";
import { configMaps, secrets } from "../testing/paths.ts";
import { issuer, openTestApi, testAuthority, type TestApi } from "../testing/test-api.ts";
import { signJwt, verifiedClaims, type Claims } from "./jwt.ts";
import { rotateSigningKeys, type SigningKey } from "./signing-keys.ts";

const accounts = "/api/v1/namespaces/default/serviceaccounts";
const selfReview = { path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" } };

interface Whoami {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

async function whoami(api: TestApi, token: string, headers: Record<string, string> = {}): Promise<Whoami | number> {
  const answer = await api.call("POST", selfReview.path, { body: selfReview.body, token, headers });
  return answer.status === 201 ? (answer.body.status as { userInfo: Whoami }).userInfo : answer.status;
}

/** Whoever is known may ask who he is. */
async function letAsk(api: TestApi): Promise<void> {
  await api.objects.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "ask" },
    rules: [{ apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] }],
  });
  const bound = binding("ClusterRoleBinding", "ask", "ClusterRole/ask", "-");
  await api.objects.create({ ...bound, subjects: [{ kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "system:authenticated" }] });
  await vi.waitFor(() => expect(api.auth.authorizer.rulesOf({ name: "x", groups: ["system:authenticated"] }, "")).toHaveLength(1), inForce);
}

async function account(api: TestApi, name: string): Promise<string> {
  return (await api.call("POST", accounts, { body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } } })).body.metadata.uid;
}

async function tokenOf(api: TestApi, name: string, spec: object = {}): Promise<string> {
  const { status, body, text } = await api.call("POST", `${accounts}/${name}/token`, {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec },
  });
  expect(status, text).toBe(201);
  return (body.status as { token: string }).token;
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

test("a token of a ServiceAccount says who it is in Kubernetes' words, and its keys are published", async () => {
  await using api = await openTestApi();
  await letAsk(api);
  const uid = await account(api, "ci");
  const { body } = await api.call("POST", `${accounts}/ci/token`, { body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} } });
  expect(body).toMatchObject({ kind: "TokenRequest", metadata: { name: "ci", namespace: "default" }, spec: { audiences: [issuer], expirationSeconds: 3600 } });
  const { token, expirationTimestamp } = body.status as { token: string; expirationTimestamp: string };
  const claims = claimsOf(token);
  expect(claims).toMatchObject({
    iss: issuer,
    aud: [issuer],
    sub: "system:serviceaccount:default:ci",
    "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid } },
  });
  expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(3600);
  expect(Date.parse(expirationTimestamp)).toBe(Number(claims["exp"]) * 1000);
  expect(await whoami(api, token)).toEqual({
    username: "system:serviceaccount:default:ci",
    uid,
    groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    extra: { "authentication.kubernetes.io/credential-id": [`JTI=${String(claims["jti"])}`] },
  });
  const { jwks_uri: keysAt } = (await api.call("GET", "/.well-known/openid-configuration")).body as unknown as { jwks_uri: string };
  const keys = (await api.call("GET", keysAt.slice(issuer.length))).body["keys"] as { kid: string; d?: string }[];
  const header = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { kid: string };
  expect(keys.map((key) => [key.kid, key.d])).toEqual([[header.kid, undefined]]);
});

test("a token request is bounded as upstream bounds it, and can be bound to a Secret that the caller may read", async () => {
  await using api = await openTestApi();
  await account(api, "ci");
  const ask = (spec: object, name = "ci") =>
    api.call("POST", `${accounts}/${name}/token`, { body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec } });
  for (const [spec, status] of [
    [{ expirationSeconds: 599 }, 422],
    [{ expirationSeconds: 600 }, 201],
    [{ expirationSeconds: 2 ** 32 + 1 }, 422],
    [{ expirationSeconds: "3600" }, 422],
    [{ boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "x" } }, 422],
    [{ boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "x" } }, 422],
  ] as const)
    expect((await ask(spec)).status, JSON.stringify(spec)).toBe(status);
  expect((await ask({}, "nobody")).status).toBe(404);
  expect((await api.call("GET", `${accounts}/ci/token`)).status).toBe(405);
  const issuing = await userWith(api, "issuing", { here: [{ apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] }] });
  const bound = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "x" } } };
  expect((await issuing("POST", `${accounts}/ci/token`, { body: bound })).status, "whether the Secret is there is not told").toBe(403);
});

/** A clock that the test moves: `moved` milliseconds ahead of the machine's. */
function movedClock(): Clock & { moved: number } {
  const clock = {
    moved: 0,
    now: () => systemClock.now() + clock.moved,
    monotonic: () => systemClock.monotonic() + clock.moved,
    sleep: systemClock.sleep,
    after: systemClock.after,
  };
  return clock;
}

test("I11: what is no token of ours, not for us, not now, or not of somebody who is, is refused", async () => {
  const clock = movedClock();
  await using api = await openTestApi({ clock });
  await letAsk(api);
  const uid = await account(api, "ci");
  const key = api.auth.signingKeys.all().at(-1) as SigningKey;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Math.floor(clock.now() / 1000);
  const good: Claims = {
    iss: issuer,
    aud: [issuer],
    sub: "system:serviceaccount:default:ci",
    exp: now + 1000,
    iat: now,
    nbf: now,
    "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid } },
  };
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const [head = "", body = "", signature = ""] = signJwt(good, key).split(".");
  const other: SigningKey = { id: key.id, privateKey, publicKey };
  expect(await whoami(api, signJwt(good, key)), "the good one").toMatchObject({ username: "system:serviceaccount:default:ci" });
  const bad: readonly (readonly [because: string, token: string])[] = [
    ["alg none", `${encode({ alg: "none", kid: key.id })}.${body}.`],
    ["alg none, signed", `${encode({ alg: "none", kid: key.id })}.${body}.${signature}`],
    ["alg HS256", `${encode({ alg: "HS256", kid: key.id })}.${body}.${signature}`],
    ["no kid", `${encode({ alg: "ES256" })}.${body}.${signature}`],
    ["critical extension", `${encode({ alg: "ES256", kid: key.id, crit: ["x"] })}.${body}.${signature}`],
    ["signed by another key under our key's name", signJwt(good, other)],
    ["signature of another body", `${head}.${encode({ ...good, sub: "system:serviceaccount:default:admin" })}.${signature}`],
    ["no signature", `${head}.${body}.`],
    ["two parts", `${head}.${body}`],
    ["four parts", `${head}.${body}.${signature}.${signature}`],
    ["body that is no JSON", `${head}.${Buffer.from("no").toString("base64url")}.${signature}`],
    ["wrong issuer", signJwt({ ...good, iss: "https://elsewhere.test" }, key)],
    ["no issuer", signJwt({ ...good, iss: undefined }, key)],
    ["wrong audience", signJwt({ ...good, aud: ["vault"] }, key)],
    ["no audience", signJwt({ ...good, aud: [] }, key)],
    ["expired", signJwt({ ...good, exp: now }, key)],
    ["no expiry", signJwt({ ...good, exp: undefined }, key)],
    ["expiry as text", signJwt({ ...good, exp: "9999999999" }, key)],
    ["not yet valid", signJwt({ ...good, nbf: now + 600 }, key)],
    ["made in the future", signJwt({ ...good, iat: now + 600 }, key)],
    ["empty subject", signJwt({ ...good, sub: "" }, key)],
    ["subject that is no ServiceAccount", signJwt({ ...good, sub: "admin" }, key)],
    ["subject of another name", signJwt({ ...good, sub: "system:serviceaccount:default:other" }, key)],
    ["groups of its own", signJwt({ ...good, "kubernetes.io": undefined, groups: ["system:masters"] }, key)],
    ["uid of another account", signJwt({ ...good, "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid: "x" } } }, key)],
    ["no uid", signJwt({ ...good, "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid: "" } } }, key)],
    ["another namespace", signJwt({ ...good, "kubernetes.io": { namespace: "other", serviceaccount: { name: "ci", uid } } }, key)],
    [
      "bound to a Secret that is not there",
      signJwt({ ...good, "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid }, secret: { name: "x", uid: "y" } } }, key),
    ],
    ["bound to nothing", signJwt({ ...good, "kubernetes.io": { namespace: "default", serviceaccount: { name: "ci", uid }, secret: {} } }, key)],
  ];
  for (const [because, token] of bad) expect(await whoami(api, token), because).toBe(401);
  const mine = await tokenOf(api, "ci", { expirationSeconds: 600 });
  expect(await whoami(api, mine)).not.toBe(401);
  clock.moved = 601_000;
  expect(await whoami(api, mine), "ten minutes later").toBe(401);
});

test("I11: a rotated key signs, old tokens hold as long as it is told, and then no longer; replicas follow", async () => {
  await using api = await openTestApi();
  await letAsk(api);
  await account(api, "ci");
  const tools = { store: api.store, clock: systemClock, random: systemRandom };
  const before = await tokenOf(api, "ci");
  expect(await rotateSigningKeys(tools, 60_000)).toBe(2);
  await vi.waitFor(() => expect(api.auth.signingKeys.all()).toHaveLength(2), inForce);
  const after = await tokenOf(api, "ci");
  expect(verifiedClaims(after, api.auth.signingKeys.all().slice(0, 1)), "the new key signs").toBeUndefined();
  for (const token of [before, after]) expect(await whoami(api, token)).toMatchObject({ username: "system:serviceaccount:default:ci" });
  expect(await rotateSigningKeys(tools, 0)).toBe(1);
  await vi.waitFor(async () => expect(await whoami(api, before)).toBe(401), { timeout: 8_000, interval: 100 });
});

test("I11: a token ends with its ServiceAccount, its Secret, or a new account of the same name, and open watches end with it", async () => {
  await using api = await openTestApi();
  await account(api, "ci");
  await api.call("POST", secrets, { body: { apiVersion: "v1", kind: "Secret", metadata: { name: "bond" } } });
  const bound = binding("RoleBinding", "ci", "ClusterRole/reader", "-");
  await api.objects.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "reader" },
    rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }],
  });
  await api.objects.create({
    ...bound,
    metadata: { name: "ci", namespace: "default" },
    subjects: [{ kind: "ServiceAccount", namespace: "default", name: "ci" }],
  });
  const token = await tokenOf(api, "ci");
  const bondToken = await tokenOf(api, "ci", { boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "bond" } });
  const becomes = (one: string, status: number) =>
    vi.waitFor(async () => expect((await api.call("GET", configMaps, { token: one })).status).toBe(status), inForce);
  await becomes(token, 200);
  await becomes(bondToken, 200);
  const watch = await openStream(api, `${configMaps}?watch=true`, token);
  const bondWatch = await openStream(api, `${configMaps}?watch=true`, bondToken);
  await api.call("DELETE", `${secrets}/bond`);
  await becomes(bondToken, 401);
  await bondWatch.ended;
  await becomes(token, 200);
  await api.call("DELETE", `${accounts}/ci`);
  await becomes(token, 401);
  await watch.ended;
  await account(api, "ci");
  expect((await api.call("GET", configMaps, { token })).status, "a new account of the name is somebody else").toBe(401);
});

test("I11: a watch ends within seconds when the right to it is taken away", async () => {
  await using api = await openTestApi();
  const user = await userWith(api, "user", { here: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }] });
  expect((await user("GET", configMaps)).status).toBe(200);
  const watch = await openStream(api, `${configMaps}?watch=true`, await api.tokenOf("user"));
  expect(watch.status).toBe(200);
  await api.call("DELETE", `${rbac}/namespaces/default/rolebindings/user`);
  await watch.ended;
});

test("impersonation needs its right for each part, and the impersonated user's rights count", async () => {
  await using api = await openTestApi();
  await letAsk(api);
  const admin = api.token;
  expect(await whoami(api, admin, { "impersonate-user": "jane", "impersonate-group": "dev", "impersonate-uid": "7", "impersonate-extra-a%2fb": "c" })).toEqual({
    username: "jane",
    uid: "7",
    groups: ["dev", "system:authenticated"],
    extra: { "a/b": ["c"] },
  });
  expect(await whoami(api, admin, { "impersonate-user": "system:serviceaccount:default:ci" })).toMatchObject({
    groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
  });
  expect((await api.call("GET", configMaps, { headers: { "impersonate-user": "jane" } })).status, "jane's rights count").toBe(403);
  expect(await whoami(api, admin, { "impersonate-group": "dev" }), "nobody to be").toBe(400);
  await userWith(api, "helper", {
    everywhere: [
      { apiGroups: [""], resources: ["users"], resourceNames: ["jane"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["groups"], resourceNames: ["dev"], verbs: ["impersonate"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["userextras/scope"], resourceNames: ["read"], verbs: ["impersonate"] },
    ],
  });
  const helper = await api.tokenOf("helper");
  expect(await whoami(api, helper, { "impersonate-user": "jane", "impersonate-group": "dev", "impersonate-extra-scope": "read" })).toMatchObject({
    username: "jane",
  });
  for (const headers of [
    { "impersonate-user": "joe" },
    { "impersonate-user": "jane", "impersonate-group": "system:masters" },
    { "impersonate-user": "jane", "impersonate-uid": "1" },
    { "impersonate-user": "jane", "impersonate-extra-scope": "write" },
    { "impersonate-user": "jane", "impersonate-extra-other": "read" },
    { "impersonate-user": "system:serviceaccount:default:ci" },
  ] as Record<string, string>[])
    expect(await whoami(api, helper, headers), JSON.stringify(headers)).toBe(403);
});

test("reviews answer what may be done and whose a token is, and are kept nowhere", async () => {
  await using api = await openTestApi();
  const get = { apiGroups: [""], resources: ["configmaps"], verbs: ["get"], resourceNames: ["a"] };
  const reviewing = { apiGroups: ["authorization.k8s.io", "authentication.k8s.io"], resources: ["*"], verbs: ["create"] };
  const user = await userWith(api, "user", { here: [get], everywhere: [reviewing, { nonResourceURLs: ["/metrics"], verbs: ["get"] }] });
  const review = async (kind: string, spec: object, path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`) =>
    (await user("POST", path, { body: { apiVersion: "authorization.k8s.io/v1", kind, spec } })).body;
  const about = { namespace: "default", resource: "configmaps", verb: "get" };
  for (const [attributes, allowed] of [
    [{ ...about, name: "a" }, true],
    [{ ...about, name: "b" }, false],
    [about, false],
    [{ ...about, namespace: "other", name: "a" }, false],
  ] as const)
    expect((await review("SelfSubjectAccessReview", { resourceAttributes: attributes })).status, JSON.stringify(attributes)).toMatchObject({ allowed });
  expect((await review("SelfSubjectAccessReview", { nonResourceAttributes: { path: "/metrics", verb: "get" } })).status).toMatchObject({ allowed: true });
  expect((await review("SelfSubjectAccessReview", {})).code).toBe(422);
  expect((await review("SubjectAccessReview", { user: "other", resourceAttributes: { ...about, name: "a" } })).status).toMatchObject({ allowed: false });
  expect((await review("SubjectAccessReview", { groups: ["system:masters"], resourceAttributes: about })).status).toMatchObject({ allowed: true });
  expect((await review("SubjectAccessReview", { resourceAttributes: about })).code).toBe(422);
  const local = "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews";
  expect((await review("LocalSubjectAccessReview", { user: "user", resourceAttributes: { ...about, name: "a" } }, local)).status).toMatchObject({
    allowed: true,
  });
  expect((await review("LocalSubjectAccessReview", { user: "user", resourceAttributes: { ...about, namespace: "other" } }, local)).code).toBe(422);
  const rules = (await review("SelfSubjectRulesReview", { namespace: "default" })).status as {
    resourceRules: unknown[];
    nonResourceRules: unknown[];
    incomplete: boolean;
  };
  expect(rules.resourceRules).toEqual(expect.arrayContaining([get, reviewing]));
  expect([rules.nonResourceRules, rules.incomplete]).toEqual([[{ nonResourceURLs: ["/metrics"], verbs: ["get"] }], false]);

  const tokenReview = async (spec: object) =>
    (await user("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec } })).body;
  await account(api, "ci");
  const own = await tokenOf(api, "ci");
  const vault = await tokenOf(api, "ci", { audiences: ["vault", "db"] });
  const ci = { authenticated: true, user: { username: "system:serviceaccount:default:ci" } };
  const asked = await tokenReview({ token: own });
  expect(asked.status).toMatchObject({ ...ci, audiences: [issuer] });
  expect(JSON.stringify(asked), "the token is not repeated").not.toContain(own);
  expect((await tokenReview({ token: vault })).status).toMatchObject({ authenticated: false });
  expect((await tokenReview({ token: vault, audiences: ["vault", "other"] })).status).toMatchObject({ ...ci, audiences: ["vault"] });
  expect((await tokenReview({ token: own, audiences: ["vault"] })).status).toMatchObject({ authenticated: false });
  expect((await api.call("GET", configMaps, { token: vault })).status, "for others, not for us").toBe(401);
  for (const path of ["/apis/authorization.k8s.io/v1/subjectaccessreviews", local, "/apis/authentication.k8s.io/v1/tokenreviews"]) {
    for (const [method, at] of [
      ["GET", path],
      ["DELETE", path],
      ["GET", `${path}/x`],
      ["PUT", `${path}/x`],
      ["PATCH", `${path}/x`],
      ["GET", `${path}?watch=true`],
    ] as const)
      expect((await api.call(method, at, { ...(method === "PUT" ? { body: {} } : {}) })).status, `${method} ${at}`).toBe(405);
  }
});

test("a client certificate of our authority is its CN and its Os; others, expired ones and the server's own are nobody", async () => {
  await using api = await openTestApi();
  await letAsk(api);
  const authority = await testAuthority();
  const day = 86_400_000;
  const times = { nowMs: Date.now(), validForMs: day };
  const client = (organizations: string[], over: object = {}) =>
    issue(authority, { subject: { commonName: "jane", organizations }, usages: ["client"], ...times, ...over });
  const call = async (pair: { certificatePem: string; privateKeyPem: string }, headers: Record<string, string> = {}) => {
    const sent = httpsRequest({
      host: "127.0.0.1",
      port: api.port,
      ca: api.caPem,
      method: "POST",
      path: selfReview.path,
      cert: pair.certificatePem,
      key: pair.privateKeyPem,
      agent: false,
      headers: { "content-type": "application/json", ...headers },
    });
    sent.end(JSON.stringify(selfReview.body));
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { status: { userInfo: Whoami }; message?: string };
    return { status: answer.statusCode, user: body.status.userInfo, message: body.message };
  };
  const jane = await call(await client(["dev", "ops"]));
  expect([jane.status, jane.user?.username, jane.user?.groups]).toEqual([201, "jane", ["dev", "ops", "system:authenticated"]]);
  expect((await call(await client([], { nowMs: Date.now() - 2 * day }))).status, "expired").toBe(401);
  const stranger = await createAuthority({ subject: { commonName: "test-ca" }, ...times });
  const strange = await call(await issue(stranger, { subject: { commonName: "jane", organizations: ["system:masters"] }, usages: ["client"], ...times }));
  expect([strange.status, strange.message]).toEqual([401, "Unauthorized: the client certificate is not signed by this control plane, or no longer valid"]);
  expect(
    (await call(await issue(authority, { subject: { commonName: "jane" }, usages: ["server"], hosts: ["127.0.0.1"], ...times }))).status,
    "not made for clients",
  ).toBe(401);
  expect((await call(await client([]), { authorization: "Bearer wrong" })).status, "a wrong token is not made good").toBe(401);
});
