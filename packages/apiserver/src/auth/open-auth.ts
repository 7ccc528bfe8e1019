import type { Clock, Logger, Random } from "@threeport/platform";
import type { KubeObject, Objects } from "@threeport/resource";
import type { ObjectStore } from "@threeport/store";
import type { ComputedKinds } from "../computed.ts";
import { authenticateByAny, cachedByToken, clientCertificates, storedTokens, type Authenticate } from "./authenticate.ts";
import { keepAggregates } from "./keep-aggregates.ts";
import { keepDefaultRoles } from "./keep-default-roles.ts";
import { jsonWebKeySet } from "./jwt.ts";
import { createPolicy, followPolicy, type Authorizer } from "./policy.ts";
import { reviews } from "./reviews.ts";
import { serviceAccountTokens, type TokenOptions } from "./service-account-tokens.ts";
import { openSigningKeys, type SigningKeys } from "./signing-keys.ts";

export interface AuthOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `iss` of the tokens that we sign, and their audience unless another is asked for. */
  readonly issuer: string;
}

/** Who callers are and what they may: all of it for one process. */
export interface Auth extends AsyncDisposable {
  readonly authorizer: Authorizer;
  readonly authenticate: Authenticate;
  readonly computed: ComputedKinds;
  readonly signingKeys: SigningKeys;
  readonly documents: ReadonlyMap<string, () => object>;
  /** Makes and mends the default roles, and keeps aggregated ones up to date from then on. */
  keepRoles(objects: Objects, wanted: readonly KubeObject[]): Promise<void>;
}

export async function openAuth(options: AuthOptions): Promise<Auth> {
  const { store, clock, log, issuer } = options;
  await using stack = new AsyncDisposableStack();
  const policy = createPolicy();
  let aggregates: { look(): void } | undefined;
  const keys = stack.use(await openSigningKeys(options));
  stack.use(await followPolicy(policy, { store, clock, log, onChange: () => aggregates?.look() }));
  const tokens: TokenOptions = { ...options, keys };
  const cached = cachedByToken(
    authenticateByAny([serviceAccountTokens(tokens), storedTokens((token) => store.credentials.find(token)), clientCertificates(clock)]),
    clock,
  );
  stack.use(await forgetWhatEnds(store, cached.forget));
  const owned = stack.move();
  return {
    authorizer: policy,
    authenticate: cached.authenticate,
    computed: reviews({ authorizer: policy, authenticate: cached.authenticate, tokens }),
    signingKeys: keys,
    documents: new Map([
      ["/.well-known/openid-configuration", () => openIdConfiguration(issuer)],
      ["/openid/v1/jwks", () => jsonWebKeySet(keys.all())],
    ]),
    async keepRoles(objects, wanted) {
      await keepDefaultRoles(objects, wanted);
      const kept = keepAggregates({ policy, objects, clock, log });
      owned.use(kept);
      aggregates = kept;
      kept.look();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A ServiceAccount or Secret that goes takes the tokens that are bound to it along, at once and not when the cache forgets them. */
async function forgetWhatEnds(store: ObjectStore, forget: () => void): Promise<Disposable> {
  const subscriptions = new DisposableStack();
  const follow = async (kind: string): Promise<void> => {
    const subscription = await store.feed.subscribe(
      kind,
      await store.reader.currentRv(),
      (changes) => {
        if (changes.some((change) => change.deleted || change.body.includes('"deletionTimestamp"'))) forget();
      },
      // The feed lost its place; without it the cache forgets by itself, seconds later.
      () => void follow(kind).catch(() => forget()),
    );
    if (subscriptions.disposed) subscription[Symbol.dispose]();
    else subscriptions.use(subscription);
  };
  for (const kind of ["serviceaccounts", "secrets"]) await follow(kind);
  return subscriptions;
}

/** What OpenID Connect clients need to check our tokens themselves. */
function openIdConfiguration(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/openid/v1/jwks`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}
