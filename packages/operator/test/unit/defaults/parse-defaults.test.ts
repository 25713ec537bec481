import { assert, json, oneof, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { DefaultsError, parseDefaults } from "../../../src/defaults/index.ts";

const registration = `apiVersion: rancheros.cattle.io/v1
kind: MachineRegistration
metadata: {name: edge, namespace: fleet-default}
spec: {}
`;

describe("the file of default objects", () => {
  it("names objects, in the order in which they stand, and passes their specs on", () => {
    const image = registration
      .replace("MachineRegistration", "ManagedOSImage")
      .replace("spec: {}", "spec: {osImage: a/b:v1, concurrency: 10%}");
    const objects = parseDefaults(`---\n${registration}---\n# nothing\n---\n${image}`);
    expect(objects.map(({ plural, namespace, name }) => `${plural} ${namespace}/${name}`)).toEqual([
      "machineregistrations fleet-default/edge",
      "managedosimages fleet-default/edge",
    ]);
    expect(objects[1]?.body).toMatchObject({ spec: { osImage: "a/b:v1", concurrency: "10%" } });
  });

  it("may be empty", () => {
    expect(parseDefaults("")).toEqual([]);
  });

  it.each([
    ["kind: Secret", registration.replace("MachineRegistration", "Secret"), "document 1: is no MachineRegistration"],
    ["another group", registration.replace("rancheros.cattle.io", "example.com"), "document 1: is no"],
    ["no name", registration.replace("name: edge, ", ""), "document 1: metadata.namespace and metadata.name"],
    ["a path as name", registration.replace("edge", "../secrets/a"), "document 1: metadata.namespace"],
    ["no spec", registration.replace("spec: {}\n", ""), "document 1: spec is missing"],
    ["a list as spec", registration.replace("spec: {}", "spec: []"), "document 1: spec is missing"],
    ["broken YAML", `${registration}---\nspec: {`, "document 2: "],
    ["an alias to nothing", "*!", "document 1: "],
    [
      "an alias",
      registration.replace("spec: {}", "spec: {a: &a [1], b: *a}"),
      "document 1: Alias resolution is disabled",
    ],
    ["text", "hello", "document 1: is no"],
    ["more than sixteen", `${registration}---\n`.repeat(17), "more than 16 objects"],
    ["too much", "#".repeat(1024 * 1024 + 1), "larger than 1048576 bytes"],
  ])("with %s is refused in a sentence", (_what, text, words) => {
    expect(() => parseDefaults(text)).toThrow(DefaultsError);
    expect(() => parseDefaults(text)).toThrow(words);
  });

  it("names all problems at once", () => {
    const both = `${registration.replace("edge", "Edge")}---\nkind: Pod\n`;
    expect(() => parseDefaults(both)).toThrow(/document 1: metadata.*document 2: is no/);
  });

  it("is taken or refused by a DefaultsError, whatever it is", () => {
    assert(
      property(oneof(string(), json()), (text) => {
        try {
          parseDefaults(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DefaultsError);
        }
        expect(text).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});
