/** What an autoscaler must know of its earlier looks. Lost, it only shrinks too soon. */
export interface AutoscalerMemory {
  readonly lookedMs: number;
  /** Sizes that were wanted lately. */
  readonly recent: readonly { readonly atMs: number; readonly replicas: number }[];
}
