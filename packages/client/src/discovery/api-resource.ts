/** One resource that a server serves, as discovery says it. */
export interface ApiResource {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, as it stands in paths. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** For example `status`, `scale`, `log`. */
  readonly subresources: readonly string[];
}

/** A group version that could not be read, usually because the server behind an APIService is down. Its kinds are not known, which does not mean that they are gone. */
export interface DiscoveryFailure {
  readonly group: string;
  readonly version: string;
  readonly message: string;
}

/** What one round of discovery found. Groups, and versions inside a group, come in the server's order of preference. */
export interface DiscoveryResult {
  readonly resources: readonly ApiResource[];
  readonly failures: readonly DiscoveryFailure[];
}
