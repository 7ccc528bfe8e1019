/** What names, keys and metadata may look like. Everything here follows Kubernetes, so that objects move between our API and a cluster. */
export {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  fieldManagerProblems,
  labelKeyProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
} from "./names/name-rules.ts";
export { type NameRule, type ObjectMetaRules, annotationBytesMax, validateObjectMeta } from "./names/validate-object-meta.ts";
