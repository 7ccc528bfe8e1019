/**
 * Messages as plain data: what each field number means and how the field looks in JSON. The numbers are those of
 * Kubernetes' generated.proto files; `presence` says what Go's encoding/json does with the field of the Go type, so that a
 * decoded message equals what the same client would have sent as JSON.
 */
export interface Message {
  /** For error messages. */
  readonly name: string;
  readonly fields: Readonly<Record<number, Field>>;
  /** Set where JSON shows the message as something else than an object of its fields. */
  readonly form?: Form;
}

export type Field = ScalarField | MessageField | RepeatedField;

export interface ScalarField {
  readonly name: string;
  readonly type: Scalar;
  /**
   * `omitEmpty` (unless said): the zero value is left out. `optional`: as sent, a pointer in Go. `always`: the zero value
   * is filled in. `nullable`: null is filled in.
   */
  readonly presence?: "omitEmpty" | "optional" | "always" | "nullable";
}

export interface MessageField {
  readonly name: string;
  readonly type: Message;
  /** `always`: a message without fields where none was sent, a struct in Go. `omitEmpty` is for forms that may be null. */
  readonly presence: "omitEmpty" | "optional" | "always" | "nullable";
}

export interface RepeatedField {
  readonly name: string;
  readonly type: Scalar | Message;
  /** `map`: keys are texts, as in all maps of Kubernetes. */
  readonly repeated: "list" | "map";
  /** `omitEmpty` unless said; `nullable` where Go has no omitempty: null where nothing was sent. */
  readonly presence?: "omitEmpty" | "nullable";
}

/** `bytes` become base64 text; `raw` bytes are kept for a form or the envelope to read. */
export type Scalar = "string" | "bytes" | "raw" | "bool" | "int32" | "int64" | "double";

/**
 * `time`, `microTime`: RFC 3339 text of {seconds, nanos}, null when empty. `json`: the value that raw JSON text holds.
 * `items`: the list in `items`. `schemaOrBool`, `schemaOrList`, `schemaOrTexts`: unions of apiextensions.
 */
export type Form = "time" | "microTime" | "json" | "items" | "schemaOrBool" | "schemaOrList" | "schemaOrTexts";
