import { describe, expect, it } from "vitest";
import {
  customResourceDefinition,
  endorsementKeyHash,
  parseMachineInventory,
  parseMachineRegistration,
  RESOURCE_KINDS,
  structuralSchema,
} from "@rancheros/protocol/resources";
import { Type } from "typebox";

const KINDS = RESOURCE_KINDS;

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
}

function fieldsOf(schema: Schema, path: string): readonly (readonly [string, Schema])[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    [`${path}.${name}`, field] as const,
    ...fieldsOf(field, `${path}.${name}`),
  ]);
  return schema.items === undefined ? below : [...below, ...fieldsOf(schema.items, `${path}[]`)];
}

describe.each(KINDS)("$kind", (kind) => {
  const definition = customResourceDefinition(kind);
  const schema = definition.spec.versions[0]?.schema.openAPIV3Schema as Schema;

  it("has a description on every field", () => {
    const fields = fieldsOf(schema, kind.kind).filter(([path]) => !path.endsWith(".metadata"));
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.filter(([, field]) => (field.description ?? "").length < 10).map(([path]) => path)).toEqual([]);
  });

  it("has short names, a category, columns and a status apart", () => {
    expect(definition.spec.names.shortNames.length).toBeGreaterThan(0);
    expect(definition.spec.names.categories).toEqual(["rancheros"]);
    expect(definition.spec.versions[0]?.additionalPrinterColumns.at(-1)?.name).toBe("Age");
    expect(definition.spec.versions[0]?.subresources).toEqual({ status: {} });
  });

  it("never says additionalProperties beside properties, which Kubernetes refuses", () => {
    const both = fieldsOf(schema, "").filter(([, field]) => field.properties && field.additionalProperties);
    expect(both).toEqual([]);
  });
});

describe("structuralSchema", () => {
  it("turns null into nullable, and integer or string into one word", () => {
    const schema = Type.Union([Type.Union([Type.Integer(), Type.String()], { description: "a" }), Type.Null()], {
      description: "b",
    });
    expect(structuralSchema(schema)).toEqual({
      description: "b",
      nullable: true,
      "x-kubernetes-int-or-string": true,
    });
  });

  it.each([Type.Union([Type.Boolean(), Type.String()]), Type.Unknown(), Type.Null()])(
    "refuses what a CRD cannot say: %j",
    (schema) => {
      expect(() => structuralSchema(schema)).toThrow(TypeError);
    },
  );
});

describe("parsing", () => {
  const metadata = { name: "m", namespace: "n", uid: "u", resourceVersion: "1" };

  it("names every bad field", () => {
    const parsed = parseMachineInventory({ metadata: { name: 1 }, spec: { tpm: 2, config: { taints: [{}] } } });
    expect(parsed.ok).toBe(false);
    const problems = parsed.ok ? "" : parsed.problems.join("\n");
    for (const path of ["/metadata/name", "/metadata", "/spec/tpm", "/spec/config"]) expect(problems).toContain(path);
  });

  it("says once of a bad value what it must be, and not that it may be null", () => {
    const labels = { rack: 7, long: "x".repeat(1025) };
    expect(parseMachineRegistration({ metadata, spec: { machineInventoryLabels: labels } })).toMatchObject({
      problems: [
        "/spec/machineInventoryLabels/rack must be string",
        "/spec/machineInventoryLabels/long must not have more than 1024 characters",
      ],
    });
  });

  it("takes an object of the original as it is", () => {
    const spec = { clusterName: "", config: { labels: null, role: "" }, machineTokenSecretName: "shared-b" };
    expect(parseMachineInventory({ metadata, spec })).toEqual({ ok: true, value: { metadata, spec } });
  });

  it.each([{}, { spec: null }])("takes a MachineRegistration that says nothing, as the original did: %j", (nothing) => {
    const value = { metadata, spec: {}, status: { registrationToken: "t" } };
    expect(parseMachineRegistration({ ...value, spec: undefined, ...nothing })).toEqual({ ok: true, value });
    expect(parseMachineInventory({ metadata, ...nothing }).ok).toBe(false);
  });

  it.each([undefined, null, 1, "x", [], {}])("refuses %j", (input) => {
    expect(parseMachineRegistration(input).ok).toBe(false);
  });

  it("finds the TPM hash under either name", () => {
    expect(endorsementKeyHash({ tpm: "a" })).toBe("a");
    expect(endorsementKeyHash({ tpm: "", tpmHash: "b" })).toBe("b");
    expect(endorsementKeyHash({ tpm: "" })).toBeUndefined();
  });
});
