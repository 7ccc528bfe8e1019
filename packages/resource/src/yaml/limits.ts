/** What one text may cost. The defaults fit the largest manifests that people publish (CustomResourceDefinitions of an operator: 5 MB, 100 documents). */
export interface YamlLimits {
  readonly bytesMax: number;
  readonly documentsMax: number;
  /** Values and keys of all documents together, counted after aliases are written out: this is what makes an alias bomb small. */
  readonly nodesMax: number;
  /** Collections inside collections. The deepest CustomResourceDefinition schemas known stay below 60. */
  readonly depthMax: number;
}

export const yamlLimits: YamlLimits = {
  bytesMax: 8 * 1024 * 1024,
  documentsMax: 1_000,
  nodesMax: 500_000,
  depthMax: 100,
};
