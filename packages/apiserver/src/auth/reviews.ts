import { rfc3339 } from "@threeport/platform";
import { PlatformError, type KubeObject } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { Computed, ComputedCall, ComputedKinds } from "../computed.ts";
import { selfSubjectReviewKind, tokenRequestKind, tokenReviewKind } from "../kinds/authentication.ts";
import {
  localSubjectAccessReviewKind,
  selfSubjectAccessReviewKind,
  selfSubjectRulesReviewKind,
  subjectAccessReviewKind,
  type AccessSpec,
} from "../kinds/authorization.ts";
import { invalid } from "../pipeline/admission.ts";
import type { Attributes } from "./attributes.ts";
import type { Authenticate } from "./authenticate.ts";
import { forbidden } from "./forbidden.ts";
import type { Authorizer } from "./policy.ts";
import { issueToken, type ObjectIdentity, type TokenOptions } from "./service-account-tokens.ts";
import { groupsMax, withAuthenticated } from "./users.ts";

export interface ReviewOptions {
  readonly authorizer: Authorizer;
  readonly authenticate: Authenticate;
  readonly tokens: TokenOptions;
}

/** The kinds of authentication.k8s.io and authorization.k8s.io, and `serviceaccounts/token`. */
export function reviews(options: ReviewOptions): ComputedKinds {
  const { authorizer } = options;
  const answers: Computed[] = [
    { kind: selfSubjectAccessReviewKind, compute: ({ object, user }) => answered(object, access(authorizer, user, specOf(object))) },
    { kind: subjectAccessReviewKind, compute: ({ object }) => answered(object, access(authorizer, somebody(specOf(object)), specOf(object))) },
    { kind: localSubjectAccessReviewKind, compute: ({ object }) => answered(object, access(authorizer, somebody(specOf(object)), specOf(object))) },
    { kind: selfSubjectRulesReviewKind, compute: ({ object, user }) => answered(object, rulesStatus(authorizer, user, object)) },
    { kind: selfSubjectReviewKind, compute: ({ object, user }) => answered(stamped(options, object), { userInfo: userInfo(user) }) },
    { kind: tokenReviewKind, compute: ({ object }) => tokenReview(options, object) },
  ];
  return new Map([
    ...answers.map((entry) => [entry.kind.resource, entry] as const),
    ["serviceaccounts/token", { kind: tokenRequestKind, compute: (call) => tokenRequest(options, call) }],
  ]);
}

function specOf(object: KubeObject): AccessSpec {
  return object["spec"] as AccessSpec;
}

function answered(object: KubeObject, status: object): KubeObject {
  return { ...object, status };
}

function stamped({ tokens }: ReviewOptions, object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, creationTimestamp: rfc3339(tokens.clock.now()) } };
}

function access(authorizer: Authorizer, user: User, spec: AccessSpec): object {
  const { allowed, reason } = authorizer.authorize(user, attributesOf(spec));
  return { allowed, ...(reason === "" ? {} : { reason }) };
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: AccessSpec): Attributes {
  if (resourceAttributes === undefined || resourceAttributes === null)
    return { verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" };
  const { verb = "", group = "", resource = "", subresource, namespace = "", name = "" } = resourceAttributes;
  return { verb, group, resource, subresource, namespace, name };
}

/** Groups are taken as they are written, as upstream: who asks says all of them. */
function somebody({ user = "", groups }: AccessSpec): User {
  return { name: user, groups: (groups ?? []).slice(0, groupsMax) };
}

function rulesStatus(authorizer: Authorizer, user: User, object: KubeObject): object {
  const rules = authorizer.rulesOf(user, (object["spec"] as { namespace: string }).namespace);
  return {
    resourceRules: rules.filter((rule) => (rule.resources ?? []).length > 0).map(({ nonResourceURLs: _, ...rule }) => rule),
    nonResourceRules: rules.filter((rule) => (rule.nonResourceURLs ?? []).length > 0).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

function userInfo(user: User): object {
  const { name, uid, groups, extra } = user;
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}

async function tokenReview({ authenticate, tokens }: ReviewOptions, object: KubeObject): Promise<KubeObject> {
  const { token = "", audiences } = object["spec"] as { token?: string; audiences?: readonly string[] | null };
  const asked = (audiences ?? []).length === 0 ? undefined : (audiences ?? undefined);
  // What knows no audience is for the API server itself.
  const own = asked === undefined || asked.includes(tokens.issuer);
  const found = (await authenticate({ token, ...(asked === undefined ? {} : { audiences: asked }) })) ?? (own ? await authenticate({ token }) : undefined);
  const { token: _, ...spec } = object["spec"] as { token?: string };
  const shown = { ...object, spec };
  if (found === undefined) return answered(shown, { authenticated: false, user: {}, error: "the token is not known, or no longer valid" });
  return answered(shown, { authenticated: true, user: userInfo(withAuthenticated(found.user)), audiences: found.audiences ?? [tokens.issuer] });
}

/** Seconds that a token lasts unless more or less is asked for. */
const validForSecondsDefault = 3_600;

interface TokenSpec {
  readonly audiences?: readonly string[] | null;
  readonly expirationSeconds?: number | null;
  readonly boundObjectRef?: { readonly kind?: string; readonly apiVersion?: string; readonly name?: string; readonly uid?: string } | null;
}

async function tokenRequest(options: ReviewOptions, call: ComputedCall): Promise<KubeObject> {
  const { tokens } = options;
  const { object, namespace, name } = call;
  const account = await identityOf(tokens, { kind: "serviceaccounts", namespace, name });
  if (account === undefined)
    throw new PlatformError("TP_NOT_FOUND", { message: `serviceaccounts "${name}" not found`, detail: { kind: "serviceaccounts", group: "", name } });
  const spec = (object["spec"] ?? {}) as TokenSpec;
  const audiences = (spec.audiences ?? []).length === 0 ? [tokens.issuer] : (spec.audiences ?? []);
  const validForSeconds = spec.expirationSeconds ?? validForSecondsDefault;
  const secret = await boundSecret(options, spec, call);
  const { token, expiresAtMs } = issueToken(tokens, { namespace, account, audiences, validForSeconds, secret });
  return {
    ...object,
    metadata: { ...object.metadata, namespace, name, creationTimestamp: rfc3339(tokens.clock.now()) },
    spec: { ...spec, audiences, expirationSeconds: validForSeconds },
    status: { token, expirationTimestamp: rfc3339(expiresAtMs) },
  };
}

async function boundSecret({ tokens, authorizer }: ReviewOptions, spec: TokenSpec, call: ComputedCall): Promise<ObjectIdentity | undefined> {
  const bound = spec.boundObjectRef ?? undefined;
  if (bound === undefined) return undefined;
  const { namespace } = call;
  const problem = (field: string, message: string) =>
    invalid(tokenRequestKind, call.name, [{ field: `spec.boundObjectRef${field}`, reason: "FieldValueInvalid", message }]);
  if (bound.kind !== "Secret" || (bound.apiVersion ?? "v1") !== "v1")
    throw problem("", `Invalid value: a token can be bound to a Secret, not to ${JSON.stringify(`${bound.apiVersion}/${bound.kind}`.slice(0, 100))}`);
  const wanted = { verb: "get", group: "", resource: "secrets", namespace, name: bound.name ?? "" };
  if (!authorizer.authorize(call.user, wanted).allowed) throw forbidden(call.user, wanted, "spec.boundObjectRef refers to it");
  const secret = await identityOf(tokens, { kind: "secrets", namespace, name: wanted.name });
  if (secret === undefined) throw problem(".name", `Not found: ${JSON.stringify((bound.name ?? "").slice(0, 100))}`);
  if ((bound.uid ?? "") !== "" && bound.uid !== secret.uid)
    throw new PlatformError("TP_VERSION_CONFLICT", { message: "the UID in the bound object reference does not match the UID of the Secret" });
  return secret;
}

/** Undefined for what is not there, or under deletion. */
async function identityOf({ store }: TokenOptions, key: { kind: string; namespace: string; name: string }): Promise<ObjectIdentity | undefined> {
  const version = await store.reader.get(key);
  const deleting = version !== undefined && (JSON.parse(version.body) as KubeObject).metadata.deletionTimestamp !== undefined;
  return version === undefined || deleting ? undefined : { name: key.name, uid: version.uid };
}
