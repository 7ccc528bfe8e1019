/** A size within what an autoscaler may choose, and what limited it: upstream's reason and words. */
export interface Limited {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

/** In one look no more than twice as many, or four. */
const growth = { factor: 2, least: 4 };

export function withinLimits(wanted: number, { current, least, most }: { readonly current: number; readonly least: number; readonly most: number }): Limited {
  const fastest = Math.max(growth.factor * current, growth.least);
  if (wanted < least) return { replicas: least, reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count" };
  if (wanted > Math.min(most, fastest))
    return most > fastest
      ? { replicas: fastest, reason: "ScaleUpLimit", message: "the desired replica count is increasing faster than the maximum scale rate" }
      : { replicas: most, reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count" };
  return { replicas: wanted, reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" };
}
