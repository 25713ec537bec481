/** Turns a typebox schema, which is plain JSON Schema, into the structural schema that a CRD may carry. */

type Json = Record<string, unknown>;

const CARRIED = [
  "description",
  "enum",
  "format",
  "maxItems",
  "maxLength",
  "maxProperties",
  "maximum",
  "minItems",
  "minLength",
  "minimum",
  "pattern",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
] as const;

const SCALARS = new Set(["boolean", "integer", "number", "string"]);

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function carried(schema: Json): Json {
  return Object.fromEntries(CARRIED.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key]]));
}

function fromUnion(schema: Json, alternatives: readonly Json[]): Json {
  const real = alternatives.filter((one) => one["type"] !== "null");
  const [only] = real;
  if (real.length < alternatives.length && only !== undefined && real.length === 1) {
    return { ...structuralSchema(only), ...carried(schema), nullable: true };
  }
  const kinds = real.map((one) => one["type"]);
  if (kinds.length === 2 && kinds.includes("integer") && kinds.includes("string")) {
    return { ...carried(schema), "x-kubernetes-int-or-string": true };
  }
  throw new TypeError(`this union has no structural schema: ${JSON.stringify(schema)}`);
}

function fromObject(schema: Json): Json {
  const { properties, patternProperties } = schema;
  if (isJson(patternProperties)) {
    if (schema["x-kubernetes-preserve-unknown-fields"] === true) return { ...carried(schema), type: "object" };
    const value = Object.values(patternProperties)[0];
    return { ...carried(schema), type: "object", additionalProperties: isJson(value) ? structuralSchema(value) : {} };
  }
  const out: Json = { ...carried(schema), type: "object" };
  if (isJson(properties)) {
    out["properties"] = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, isJson(field) ? structuralSchema(field) : {}]),
    );
  }
  if (Array.isArray(schema["required"]) && schema["required"].length > 0) out["required"] = schema["required"];
  return out;
}

/**
 * The CRD form of a schema: `anyOf [T, null]` becomes `nullable`, integer-or-string becomes
 * `x-kubernetes-int-or-string`, maps become `additionalProperties`.
 * @throws TypeError  where the schema uses something that a structural schema cannot say
 * Source: Kubernetes, "Specifying a structural schema"
 */
export function structuralSchema(schema: object): Json {
  if (!isJson(schema)) throw new TypeError("a schema must be an object");
  const { anyOf, type } = schema;
  if (Array.isArray(anyOf)) return fromUnion(schema, anyOf.filter(isJson));
  if (type === "object") return fromObject(schema);
  if (type === "array") {
    const items = isJson(schema["items"]) ? structuralSchema(schema["items"]) : {};
    return { ...carried(schema), type, items };
  }
  if (typeof type === "string" && SCALARS.has(type)) return { ...carried(schema), type };
  throw new TypeError(`this schema has no structural form: ${JSON.stringify(schema)}`);
}
