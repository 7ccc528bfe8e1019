// A chart: where it is, and what of it is taken.
import { z } from "zod";
import type { ErrorCause } from "@threeport/resource";

/** Bytes of a packaged chart: as a rule they have a few hundred KiB, with the CRDs of an operator more. */
export const archiveBytesMax = 4 * 1024 * 1024;
/** Bytes of one that stands in an object, which has 1.5 MiB for everything. */
export const inlineBytesMax = 768 * 1024;

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256 of the packaged chart, in hexadecimal: nothing else is taken.");

/** One of `repository`, `url` and `archive`. */
export const chartSchema = z
  .object({
    repository: z
      .string()
      .optional()
      .describe("Address of a repository: `https://…` with an index, or `oci://…` of a registry, without the chart's name. Goes with name and version."),
    name: z.string().optional().describe("Name of the chart in the repository."),
    version: z.string().optional().describe("Its version, exactly: `1.2.3`."),
    url: z.string().optional().describe("Address of a packaged chart: `https://…/web-1.2.3.tgz`. Goes with sha256."),
    sha256: sha256.optional(),
    archive: z
      .string()
      .optional()
      .describe(`A packaged chart itself, in base64; at most ${inlineBytesMax / 1024} KiB.`),
  })
  .describe("A Helm chart.");

export const apiVersionsSchema = z
  .array(z.string().regex(/^[A-Za-z0-9./-]{1,253}$/))
  .optional()
  .describe("APIs that the chart is told to be in the cluster beside Kubernetes' own: `monitoring.coreos.com/v1`.")
  .meta({ "x-kubernetes-list-type": "set" });

export type Chart = z.output<typeof chartSchema>;

/** A chart whose content is certain. */
export type PinnedChart = Chart & { readonly sha256: string };

const exactVersion = /^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const chartName = /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/i;

/** What is wrong with a chart, below `field`. `pinned`: nobody pins it later, so one of a repository must have its digest. */
export function chartCauses(chart: Chart, field: string, { pinned = false }: { readonly pinned?: boolean } = {}): ErrorCause[] {
  const ways = (["repository", "url", "archive"] as const).filter((way) => chart[way] !== undefined);
  if (ways.length !== 1) {
    const message =
      ways.length === 0
        ? "Required value: say where the chart is: {repository, name, version}, {url, sha256} or {archive}"
        : `Forbidden: ${ways.join(" and ")} exclude each other; one place is enough`;
    return [{ field, reason: ways.length === 0 ? "FieldValueRequired" : "FieldValueForbidden", message }];
  }
  const strange = (["name", "version"] as const).filter((each) => chart.repository === undefined && chart[each] !== undefined);
  if (strange.length > 0)
    return strange.map((each) => ({ field: `${field}.${each}`, reason: "FieldValueForbidden", message: `Forbidden: ${each} goes with repository` }));
  if (chart.repository !== undefined) return [...repositoryCauses(chart, field), ...(pinned && chart.sha256 === undefined ? [noDigest(field)] : [])];
  if (chart.url !== undefined) return urlCauses(chart, field);
  return archiveCauses(chart.archive ?? "", `${field}.archive`);
}

function repositoryCauses({ repository = "", name, version }: Chart, field: string): ErrorCause[] {
  const url = URL.canParse(repository) ? new URL(repository) : undefined;
  const address = url !== undefined && (url.protocol === "https:" || url.protocol === "oci:") && url.host !== "" && url.username === "" && url.password === "";
  return [
    ...(address
      ? []
      : [
          invalid(
            `${field}.repository`,
            repository,
            "must be an address such as https://charts.example.com or oci://registry.example.com/charts, without a user",
          ),
        ]),
    ...(name === undefined
      ? [required(`${field}.name`, "the chart's name in the repository")]
      : chartName.test(name)
        ? []
        : [invalid(`${field}.name`, name, "must be the name of one chart: letters, digits, '-', '_' and '.'")]),
    ...(version === undefined
      ? [required(`${field}.version`, "the version to take, such as 1.2.3")]
      : exactVersion.test(version)
        ? []
        : [invalid(`${field}.version`, version, "must be one version, such as 1.2.3, and no range: what runs must not depend on when it was asked for")]),
  ];
}

function urlCauses({ url = "", sha256: sum }: Chart, field: string): ErrorCause[] {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return [
    ...(parsed?.protocol === "https:" && parsed.username === "" && parsed.password === ""
      ? []
      : [invalid(`${field}.url`, url, "must be an https address without user and password")]),
    ...(sum === undefined ? [noDigest(field)] : []),
  ];
}

function archiveCauses(archive: string, field: string): ErrorCause[] {
  const content = Buffer.from(archive, "base64");
  if (content.length > inlineBytesMax)
    return [
      {
        field,
        reason: "FieldValueTooLong",
        message: `Too long: a chart in an object has at most ${inlineBytesMax / 1024} KiB; publish it in a repository and name that`,
      },
    ];
  // RFC 1952: the first two bytes of a gzip file.
  if (content.length > 2 && content[0] === 0x1f && content[1] === 0x8b) return [];
  return [{ field, reason: "FieldValueInvalid", message: "Invalid value: must be a packaged chart (.tgz) in base64" }];
}

const noDigest = (field: string): ErrorCause => required(`${field}.sha256`, "the SHA-256 of the packaged chart, as `helm pull` and sha256sum tell it");
const required = (field: string, what: string): ErrorCause => ({ field, reason: "FieldValueRequired", message: `Required value: ${what}` });
const invalid = (field: string, value: string, message: string): ErrorCause => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value.slice(0, 200))}: ${message}`,
});

/** For messages: `podinfo 6.7.1 of oci://ghcr.io/stefanprodan/charts`. */
export function describeChart({ repository, name = "", version = "", url, archive }: Chart): string {
  if (repository !== undefined) return `chart ${name} ${version} of ${repository}`;
  if (url !== undefined) return `chart ${url}`;
  return archive === undefined ? "chart" : "the chart in the definition";
}
