import type { ComparedKind } from "./documents.ts";
import { isDocument, type JsonDocument } from "./json.ts";
import type { Operation } from "./operations.ts";
import type { SubjectAnswer, SubjectCall } from "./subject.ts";

export interface Found {
  readonly kind: ComparedKind;
  readonly operation: Operation;
  readonly call: SubjectCall;
  readonly ours: SubjectAnswer;
  readonly theirs: SubjectAnswer;
  readonly lines: readonly string[];
}

interface KnownDifference {
  /** As in docs/api.md, "Differences to kube-apiserver". */
  readonly because: string;
  readonly applies: (found: Found) => boolean;
  /** Whether the servers hold different things afterwards, so that the sequence ends here. */
  readonly otherState?: boolean;
}

const failedThere = ({ ours, theirs }: Found): boolean => [0, 500].includes(theirs.status) && ours.status >= 400 && ours.status < 500;
const accepted = (answer: SubjectAnswer): boolean => answer.status < 300;
const bodyOf = ({ operation }: Found): string => JSON.stringify(operation.body ?? operation.raw ?? "") + JSON.stringify(operation.changes ?? []);
/** Reasons and fields of the causes, of kube-apiserver and of ours. */
const causesOf = (answer: SubjectAnswer): string[] => {
  const details = isDocument(answer.body) && isDocument(answer.body["details"]) ? answer.body["details"] : {};
  return Array.isArray(details["causes"]) ? (details["causes"] as JsonDocument[]).map((cause) => `${String(cause["reason"])} ${String(cause["field"])}`) : [];
};

/** Everything else in which the two differ fails the test. */
const knownDifferences: readonly KnownDifference[] = [
  { because: "Where kube-apiserver fails with 500 on what it cannot use, or cuts the connection, the answer says what is wrong", applies: failedThere },
  {
    because: "A negative limit is refused",
    applies: ({ operation, ours }) => operation.query.includes("limit=-1") && ours.status === 400,
    otherState: true,
  },
  {
    because: "A limit counts also with resourceVersion=0",
    applies: ({ operation, ours, theirs }) =>
      operation.query.includes("resourceVersion=0") && operation.query.includes("limit=") && accepted(ours) && accepted(theirs),
  },
  {
    because: "Duplicate fields are looked for only where fieldValidation is given",
    applies: ({ operation, lines }) => !operation.query.includes("fieldValidation") && lines.every((line) => line.startsWith("warnings")),
  },
  {
    because: "YAML is taken for apply only",
    applies: ({ operation, ours }) => operation.contentType === "application/yaml" && ours.status === 415,
    otherState: true,
  },
  {
    because: "A list form that is accepted for a single object is passed over for the next one",
    applies: ({ operation, theirs }) => operation.accept?.includes("PartialObjectMetadataList") === true && theirs.status === 406,
    otherState: true,
  },
  {
    because: "spec.strategy and spec.preferredHolder of a Lease are kept; kube-apiserver drops them unless its alpha feature is on",
    applies: (found) => /"(strategy|preferredHolder)"/.test(bodyOf(found)),
    otherState: true,
  },
  {
    because: "metadata.generation of a client is ignored, whatever it is",
    applies: ({ theirs }) => theirs.status === 422 && causesOf(theirs).includes("FieldValueInvalid metadata.generation"),
    otherState: true,
  },
  {
    because: "A patch that is no JSON is refused before the object is looked up",
    applies: ({ operation, ours, theirs }) => operation.method === "PATCH" && operation.raw !== undefined && ours.status === 400 && theirs.status === 404,
  },
  {
    because: "Bytes are text in base64; kube-apiserver takes lists of numbers too",
    applies: (found) => found.kind.kind === "Secret" && [400, 422].includes(found.ours.status) && /\[(?:null|1)?\]/.test(bodyOf(found)),
    otherState: true,
  },
  {
    because: "An empty map in the place of none does not change what is immutable",
    applies: ({ ours, theirs }) =>
      theirs.status === 422 && causesOf(theirs).some((cause) => /^FieldValueForbidden (data|binaryData)$/.test(cause) && !causesOf(ours).includes(cause)),
    otherState: true,
  },
  {
    because: "Who manages which fields is kept also when a list has elements without their keys",
    applies: ({ kind, lines }) => kind.kind === "ServiceAccount" && lines.every((line) => line.includes("managedFields")),
    otherState: true,
  },
  {
    because: "Of an Event with wrong metadata and other mistakes, all are told; kube-apiserver looks at metadata last",
    applies: ({ kind, ours, theirs }) => kind.kind === "Event" && ours.status === 422 && theirs.status === 422,
  },
  {
    because:
      "A create that brings a resourceVersion is refused with 400 before anything else; kube-apiserver fails with 500 at the end, or takes what is no number for none",
    applies: ({ ours, theirs }) =>
      ours.status === 400 && isDocument(ours.body) && String(ours.body["message"]).startsWith("resourceVersion should not be set") && theirs.status !== 400,
    otherState: true,
  },
  {
    because: "A patch that changes apiVersion or kind is refused; kube-apiserver lets a strategic one pass and ignores it",
    applies: (found) => found.operation.method === "PATCH" && found.ours.status === 422 && accepted(found.theirs) && /"(apiVersion|kind)"/.test(bodyOf(found)),
    otherState: true,
  },
  {
    because: "An element of a list that merges by key must have the key",
    applies: ({ ours }) => ours.status === 422 && isDocument(ours.body) && String(ours.body["message"]).includes("list that merges by key"),
    otherState: true,
  },
  { because: "Names . and .. are refused by the route", applies: ({ operation, ours }) => operation.name === "%2e%2e" && ours.status === 400 },
  {
    because: "Of several wrong parameters of one list another may be told",
    applies: ({ operation, ours, theirs }) => operation.name === undefined && operation.query.includes("&") && ours.status >= 400 && theirs.status >= 400,
  },
  {
    because: "A PUT that creates does not keep deletionGracePeriodSeconds",
    applies: ({ operation, lines }) => operation.method === "PUT" && lines.every((line) => line.includes("deletionGracePeriodSeconds")),
    otherState: true,
  },
  {
    because: "A JSON patch may replace the whole document",
    applies: (found) => found.operation.method === "PATCH" && found.call.contentType === "application/json-patch+json" && bodyOf(found).includes('"path":""'),
    otherState: true,
  },
];

export function knownDifference(found: Found): "same state" | "other state" | undefined {
  const known = knownDifferences.find((difference) => difference.applies(found));
  if (known === undefined) return undefined;
  return known.otherState === true ? "other state" : "same state";
}
