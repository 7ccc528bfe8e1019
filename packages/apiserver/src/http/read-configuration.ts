import { PlatformError, isErrorCode, parseJson } from "@threeport/resource";
import type { YamlLimits } from "@threeport/resource/yaml";

/**
 * What a configuration in YAML may cost: reading it holds up everybody (about a fifth of a second at these limits). JSON,
 * which clients of Kubernetes send under the name of YAML, is bounded by the body alone.
 */
const limits: Partial<YamlLimits> = { bytesMax: 1024 * 1024, nodesMax: 10_000, documentsMax: 1 };

export interface Configuration {
  readonly value: unknown;
  /** The text was JSON: of it, duplicate fields can be told. */
  readonly json: boolean;
  /** What reads differently elsewhere. */
  readonly warnings: readonly string[];
}

/**
 * The body of an apply: JSON, or YAML.
 * @throws PlatformError TP_BAD_REQUEST that says what cannot be read and where
 */
export async function readConfiguration(body: Uint8Array): Promise<Configuration> {
  if (startsAsJson(body)) {
    try {
      return { value: parseJson(body), json: true, warnings: [] };
    } catch (error) {
      // `{a: b}` is no JSON, but good YAML. Whatever else is wrong is so in both.
      if (!isErrorCode(error, "TP_BAD_REQUEST") || body.length > (limits.bytesMax ?? 0)) throw error;
    }
  }
  // Nearly no client sends YAML: it is loaded when the first one does.
  const { loadYamlDocuments } = await import("@threeport/resource/yaml");
  try {
    const { documents, warnings } = loadYamlDocuments(body, limits);
    return {
      value: documents[0]?.value ?? {},
      json: false,
      warnings: warnings.map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`),
    };
  } catch (error) {
    if (!isErrorCode(error, "TP_YAML_INVALID")) throw error;
    throw new PlatformError("TP_BAD_REQUEST", { message: `error decoding YAML: ${(error as PlatformError).message}`, cause: error });
  }
}

const openingBrace = 0x7b;

function startsAsJson(body: Uint8Array): boolean {
  for (const byte of body) if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte === openingBrace;
  return false;
}
