export { type YamlDocument, type YamlOptions, type YamlText, type YamlWarning, loadYamlDocuments } from "./load-yaml-documents.ts";
export { type YamlLimits, yamlLimits } from "./limits.ts";
export { holdsField, locate } from "./locate.ts";
export { type Position } from "./yaml-error.ts";
