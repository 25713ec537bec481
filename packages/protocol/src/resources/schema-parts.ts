/** Schema fragments that several kinds use, each plain JSON Schema with the Kubernetes extensions riding along. */
import { Type, type TObject, type TObjectOptions, type TProperties, type TSchema, type TStringOptions } from "typebox";
import { LABEL_KEY, LABEL_PREFIX_MAX } from "../templates/index.ts";

/** One CEL rule of `x-kubernetes-validations`. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** In CEL, what is said in place of the message; the API server says the message where that is no single line. */
  readonly messageExpression?: string;
}

/** Schema options that the CRD carries over as they are. */
export interface FieldOptions {
  readonly description: string;
  readonly "x-kubernetes-validations"?: readonly CelRule[];
  [option: PropertyKey]: unknown;
}

/** Accepts null as well, as the document does with "If null ..."; becomes `nullable: true` in the CRD. */
export function nullable<Schema extends TSchema>(schema: Schema, options: FieldOptions) {
  return Type.Union([schema, Type.Null()], options);
}

/** A free map of anything: kept as written, never pruned. */
export function anyMap(options: FieldOptions) {
  return Type.Record(Type.String(), Type.Unknown(), { ...options, "x-kubernetes-preserve-unknown-fields": true });
}

/** An object whose named fields are checked and whose other fields are kept. */
export function openObject<Properties extends TProperties>(
  properties: Properties,
  options: FieldOptions,
): TObject<Properties> {
  return Type.Object(properties, { ...options, "x-kubernetes-preserve-unknown-fields": true });
}

/** CEL: every key of this map is a qualified name as labels and annotations need it. */
export function keysAreQualifiedNames(field: string): CelRule {
  const isQualified = `key.matches('${LABEL_KEY}') && key.indexOf('/') <= ${LABEL_PREFIX_MAX}`;
  const message = `${field}: every key must be a Kubernetes label key, such as example.com/rack or rack`;
  return {
    rule: `self.all(key, ${isQualified})`,
    message,
    messageExpression: `'${message}, and \\'' + self.filter(key, !(${isQualified}))[0] + '\\' is none'`,
  };
}

/** Texts that may be null, which reads as empty: the API server drops null from a map that does not take it, key and all. */
export function labelTexts(value: TStringOptions = {}, options: TObjectOptions = {}) {
  return Type.Record(Type.String(), Type.Union([Type.String(value), Type.Null()]), options);
}

/** A map of strings with keys as labels have them. Values may be templates. */
export function keyedStrings(field: string, description: string, valueLimit: number) {
  const rules = { "x-kubernetes-validations": [keysAreQualifiedNames(field)] };
  return labelTexts({ maxLength: valueLimit }, { description, maxProperties: 64, ...rules });
}

/** Kubernetes' LabelSelector. */
export const labelSelector = Type.Object({
  matchLabels: Type.Optional(
    nullable(labelTexts(), { description: "Labels that must have just these values; null is the empty one." }),
  ),
  matchExpressions: Type.Optional(
    nullable(
      Type.Array(
        Type.Object({
          key: Type.String({ description: "The label's key." }),
          operator: Type.String({
            description: "In, NotIn, Exists or DoesNotExist.",
            enum: ["In", "NotIn", "Exists", "DoesNotExist"],
          }),
          values: Type.Optional(
            nullable(Type.Array(Type.String()), { description: "Values for In and NotIn; absent for the others." }),
          ),
        }),
      ),
      { description: "Requirements that must all hold." },
    ),
  ),
});

/** One entry of `status.conditions`; `lastUpdateTime` is what the original operator wrote. */
export const condition = Type.Object(
  {
    type: Type.String({ description: "What this condition is about." }),
    status: Type.String({ description: "True, False or Unknown.", enum: ["True", "False", "Unknown"] }),
    reason: Type.Optional(Type.String({ description: "One word for programs." })),
    message: Type.Optional(Type.String({ description: "One sentence for people." })),
    lastTransitionTime: Type.Optional(
      Type.String({ description: "When the status last changed.", format: "date-time" }),
    ),
    lastUpdateTime: Type.Optional(Type.String({ description: "Written by the original operator; kept, not used." })),
    observedGeneration: Type.Optional(Type.Integer({ description: "The generation that this was found out about." })),
  },
  { description: "One observation of the object." },
);

export const conditions = Type.Optional(
  Type.Array(condition, {
    description: "What is known about the object, one entry for each type.",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
  }),
);
