import type { Clock } from "@threeport/platform";
import type { User } from "@threeport/store";

/** What a caller shows to say who he is. */
export interface Presented {
  readonly token?: string | undefined;
  /** A client certificate that the TLS layer found to be signed by an authority we trust, and not expired. */
  readonly certificate?: ClientCertificate | undefined;
  /** For whom a token must be; the API server unless said. */
  readonly audiences?: readonly string[] | undefined;
}

export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly expiresAtMs: number;
  readonly fingerprint: string;
}

export interface Identity {
  readonly user: User;
  /** Those of the asked audiences that the credential is for; undefined for one that knows none and is for this API server only. */
  readonly audiences?: readonly string[];
}

/** Undefined for what is not known, not valid, or no longer so. The one door for all sorts of credentials, OIDC later too. */
export type Authenticate = (presented: Presented) => Promise<Identity | undefined>;

/** The first that knows the credential decides. */
export function authenticateByAny(ways: readonly Authenticate[]): Authenticate {
  return async (presented) => {
    for (const way of ways) {
      const identity = await way(presented);
      if (identity !== undefined) return identity;
    }
    return undefined;
  };
}

/** Random tokens that the store knows. */
export function storedTokens(find: (token: string) => Promise<User | undefined>): Authenticate {
  return async ({ token, audiences }) => {
    if (token === undefined || audiences !== undefined) return undefined;
    const user = await find(token);
    return user && { user };
  };
}

/** CN is the user, each O a group, as in Kubernetes. */
export function clientCertificates(clock: Clock): Authenticate {
  return async ({ certificate }) => {
    if (certificate === undefined || certificate.commonName === "" || certificate.expiresAtMs <= clock.now()) return undefined;
    const { commonName, organizations, fingerprint } = certificate;
    const extra = { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] };
    return { user: { name: commonName, groups: organizations.filter((name) => name !== ""), extra } };
  };
}

/** A credential that was removed or ended by other means than `forget` is refused after this time at the latest. */
const cacheMs = 5_000;
/** Unknown tokens are asked for again soon: somebody may have made them just now. */
const unknownCacheMs = 500;
const cacheMax = 2_000;

export interface CachedAuthenticate {
  readonly authenticate: Authenticate;
  /** Called when a credential may have ended. */
  forget(): void;
}

/** Remembers the answers about tokens for a few seconds: most requests of a client come one after the other. */
export function cachedByToken(authenticate: Authenticate, clock: Clock): CachedAuthenticate {
  const known = new Map<string, { identity: Identity | undefined; until: number }>();
  let era = 0;
  return {
    async authenticate(presented) {
      const { token } = presented;
      if (token === undefined || presented.audiences !== undefined) return authenticate(presented);
      const cached = known.get(token);
      if (cached !== undefined && cached.until > clock.monotonic()) return cached.identity;
      const asked = era;
      const identity = await authenticate(presented);
      if (asked !== era) return identity; // what was read may be from before the change
      if (known.size >= cacheMax) known.clear();
      known.set(token, { identity, until: clock.monotonic() + (identity === undefined ? unknownCacheMs : cacheMs) });
      return identity;
    },
    forget() {
      era++;
      known.clear();
    },
  };
}
