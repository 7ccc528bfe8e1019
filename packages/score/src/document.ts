// The Score format `score.dev/v1b1` as a schema. Source of the rules: the JSON schema of the Score specification 0.4.
import { z } from "zod";

export const scoreApiVersion = "score.dev/v1b1";

const labelForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** Names of workloads, containers, ports and resources. */
const label = (what: string) =>
  z.string().regex(labelForm, {
    error: ({ input }) => {
      const meant = labelNear(String(input));
      return `a name of ${what} has 2 to 63 characters, a-z 0-9 and -, and neither begins nor ends with -${meant === undefined ? "" : `; write ${meant}`}`;
    },
  });

/** The name that is nearest to what was written: `myDatabase_2` is `my-database-2`. */
function labelNear(text: string): string | undefined {
  const near = text
    .slice(0, 100)
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return labelForm.test(near) ? near : undefined;
}

/** A mapping whose other fields are errors. Of an unknown one the message is the list of those that are known. */
function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? Object.keys(shape).join(", ") : undefined) });
}

const typeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]$/, "must have 2 to 63 characters, A-Z a-z 0-9 and -, with a letter or digit at both ends");

const annotationKey = z
  .string()
  .regex(
    /^(?=.{2,316}$)(?:[a-z0-9][a-z0-9-]{0,61}[a-z0-9](?:\.[a-z0-9][a-z0-9-]{0,61}[a-z0-9])*\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]$/,
    "a key is a name of 2 to 63 characters (A-Z a-z 0-9 . _ -), with a DNS name and / before it where wanted",
  );

const annotations = z.record(annotationKey, z.string());

const port = z.number().int("must be a whole number").min(1, "must be a port, 1 to 65535").max(65_535, "must be a port, 1 to 65535");

const servicePort = fields({
  port,
  targetPort: port.optional(),
  protocol: z.enum(["TCP", "UDP"]).optional(),
});

const file = fields({
  content: z.string().optional(),
  binaryContent: z
    .string()
    .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "must be base64 with its padding")
    .optional(),
  source: z.string().min(1, "must name a file").optional(),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be three octal digits as text, such as "0644"')
    .optional(),
  noExpand: z.boolean().optional(),
});

const volume = fields({
  source: z.string().min(1, "must be ${resources.NAME} of a resource of type volume"),
  path: z.string().optional(),
  readOnly: z.boolean().optional(),
});

const amounts = fields({
  cpu: z
    .string()
    .regex(/^\d+(?:m|\.\d+)?$/, 'must be cores such as "1" or "0.5", or thousandths such as "250m"')
    .optional(),
  memory: z
    .string()
    .regex(/^(?:[1-9]\d*(?:\.\d+)?|0\.\d+)(?:[KMGTPE]i?)?$/, 'must be bytes with a suffix such as "128Mi" or "1G" (K M G T P E, Ki Mi Gi Ti Pi Ei)')
    .optional(),
});

const httpGet = fields({
  path: z.string(),
  port,
  scheme: z.enum(["HTTP", "HTTPS"]).optional(),
  host: z.string().min(1, "must not be empty").optional(),
  httpHeaders: z
    .array(
      fields({
        name: z.string().regex(/^[A-Za-z0-9_-]+$/, "must be the name of a header: A-Z a-z 0-9 _ -"),
        value: z.string().min(1, "must not be empty"),
      }),
    )
    .optional(),
});

const probe = fields({
  httpGet: httpGet.optional(),
  exec: fields({ command: z.array(z.string()).min(1, "must name a program, and its arguments") }).optional(),
});

const container = fields({
  image: z.string().min(1, 'must be an image, or "." for one that is given when it is deployed'),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  variables: z.record(z.string().regex(/^[^=]+$/, "a name of a variable has at least one character, and no ="), z.string()).optional(),
  files: z.record(z.string(), file).optional(),
  volumes: z.record(z.string(), volume).optional(),
  resources: fields({ limits: amounts.optional(), requests: amounts.optional() }).optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  before: z.record(label("a container"), fields({ ready: z.enum(["started", "healthy", "complete"]) })).optional(),
});

const resource = fields({
  type: typeName,
  class: typeName.optional(),
  id: z
    .string()
    .regex(
      /^(?=.{2,63}$)[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*$/,
      "must have 2 to 63 characters: parts of a-z 0-9 and inner -, joined by dots",
    )
    .optional(),
  metadata: z.looseObject({ annotations: annotations.optional() }).optional(),
  params: z.record(z.string(), z.unknown()).optional(),
});

/** `name` is the form of names in mappings, but for those that a container goes before. */
const schemaWith = (name: (what: string) => z.ZodString) =>
  fields({
    apiVersion: z.literal(scoreApiVersion),
    metadata: z.looseObject({ name: label("a workload"), annotations: annotations.optional() }),
    service: fields({ ports: z.record(name("a port"), servicePort).optional() }).optional(),
    containers: z.record(name("a container"), container),
    resources: z.record(name("a resource"), resource).optional(),
  });

export const scoreSchema = schemaWith(label);
/** The same, with names of any form: below a wrong name the schema above checks nothing. */
export const anyNamesSchema = schemaWith(() => z.string());

/** A document that fits the format; what its placeholders and resources mean is not checked by the type. */
export type ScoreDocument = z.output<typeof scoreSchema>;
export type ScoreContainer = z.output<typeof container>;
export type ScoreFile = z.output<typeof file>;
export type ScoreProbe = z.output<typeof probe>;
export type ScoreResource = z.output<typeof resource>;
export type ScoreServicePort = z.output<typeof servicePort>;
