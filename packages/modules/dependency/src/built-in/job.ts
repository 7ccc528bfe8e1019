// What is made once on a server that is there: a database, a bucket, a topic.
import { containerSecurity, fromSecret, labels, podSecurity } from "./shared.ts";

export interface MakeJob {
  /** Behind the name of the dependency. What it makes again when a param changes has that in its name: a Job that ran cannot change. */
  readonly suffix?: string;
  /** The generated value that it gives to the server. Another one needs another Job. */
  readonly gives?: string;
  readonly image: string;
  /** User of the image, which is not root. */
  readonly user: number;
  /** Must be safe to run again. Names and values come from variables only, and are quoted where they become part of a language. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables by the key of the Secret `${name}` that holds them. */
  readonly secretEnv?: Readonly<Record<string, string>>;
  readonly memory: { readonly request: string; readonly limit: string };
}

/** A Job that runs until it succeeds. The dependency is ready after it. */
export function makeJob({ suffix = "make", gives, image, user, command, env, secretEnv = {}, memory }: MakeJob): object {
  const again = gives === undefined ? "" : `\${rotations.${gives} == 0 ? '' : '-' + string(rotations.${gives})}`;
  const jobName = `\${name}-${suffix}${again}`;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName, labels },
    spec: {
      backoffLimit: 10,
      template: {
        // Not the labels of a server: its Service would send requests here.
        metadata: { labels: { ...labels, "app.kubernetes.io/instance": jobName } },
        spec: {
          restartPolicy: "OnFailure",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity(user),
          containers: [
            {
              name: "make",
              image,
              command,
              env: [
                ...Object.entries(env).map(([name, value]) => ({ name, value })),
                ...Object.entries(secretEnv).map(([name, key]) => fromSecret(name, "${name}", key)),
              ],
              resources: { requests: { cpu: "10m", memory: memory.request }, limits: { memory: memory.limit } },
              securityContext: containerSecurity(user),
            },
          ],
        },
      },
    },
  };
}
