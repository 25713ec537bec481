/** What `ros-agent labels` reads and prints. */
import { describe, expect, it } from "vitest";
import { describeTemplates } from "@rancheros/protocol/templates";

import { parseKeyValues } from "../../src/key-values.ts";
import { formatDescription } from "../../src/labels-text.ts";
import { registrationTemplates } from "../../src/registration-templates.ts";

const SPEC = `machineName: node-\${System Information/Serial Number}-
machineInventoryLabels:
  vendor: \${System Information/Manufacturer}
  rack: \${Chassis Information/Asset Tag}
machineInventoryAnnotations:
  product: \${System Information/Product Name|unknown}
`;
const WHOLE = `apiVersion: rancheros.cattle.io/v1
kind: MachineRegistration
metadata: { name: fleet, namespace: default }
spec:
${SPEC.replaceAll(/^/gm, "  ")}`;

describe("registrationTemplates", () => {
  it("reads a whole MachineRegistration and a bare spec alike", () => {
    expect(registrationTemplates(WHOLE, "f")).toEqual(registrationTemplates(SPEC, "f"));
    expect(registrationTemplates("{}", "f")).toEqual({ machineInventoryLabels: {}, machineInventoryAnnotations: {} });
  });

  it("reads a label and an annotation without a value as empty ones, as the operator does", () => {
    expect(
      registrationTemplates("machineInventoryLabels:\n  edge:\nmachineInventoryAnnotations: { note: ~ }", "f"),
    ).toEqual({ machineInventoryLabels: { edge: "" }, machineInventoryAnnotations: { note: "" } });
  });

  it("reads a list of one as kubectl prints it", () => {
    for (const kind of ["List", "MachineRegistrationList"]) {
      const list = `apiVersion: v1\nkind: ${kind}\nitems:\n- ${WHOLE.replaceAll(/\n(?=.)/g, "\n  ")}`;
      expect(registrationTemplates(list, "f")).toEqual(registrationTemplates(SPEC, "f"));
    }
  });

  it("takes the host name out of the cloud config, and nothing else", () => {
    const text = "cloudConfig: { hostname: 'n-${a/b}', users: [{ name: root, passwd: canary }] }";
    expect(registrationTemplates(text, "f").cloudConfig).toEqual({ hostname: "n-${a/b}" });
    expect(registrationTemplates("cloudConfig: null", "f").cloudConfig).toBeUndefined();
  });

  it.each([
    [
      "machineInventoryLables: { a: b }",
      [
        "spec.machineInventoryLables is no field of a MachineRegistration and is left out: did you mean machineInventoryLabels?",
      ],
    ],
    [
      WHOLE.replace("machineName:", "machinename:"),
      ["spec.machinename is no field of a MachineRegistration and is left out: did you mean machineName?"],
    ],
    [
      WHOLE.replace("spec:", "spek:"),
      ["spek is no field of a MachineRegistration and is left out: did you mean spec?"],
    ],
    ["'a\u001b[2J': 1\nmachineName: m", ["spec.a.[2J is no field of a MachineRegistration and is left out"]],
    [
      Array.from({ length: 20 }, (_, at) => `of-another-thing-${at}: 1`).join("\n"),
      Array.from({ length: 8 }, () => expect.stringContaining("of-another-thing") as string),
    ],
    [`${WHOLE.trimEnd()}\nstatus: { registrationURL: x }\n`, []],
    ["kind: MachineRegistration\nmetadata: { name: m }", []],
    [SPEC, []],
  ])("says of %j which keys it does not know", (text, says) => {
    const remarks: string[] = [];
    registrationTemplates(text, "f", (remark) => void remarks.push(remark));
    expect(remarks).toEqual(says);
  });

  it.each([
    [
      "machineName: 7\nmachineInventoryLabels: { a: 1, b: x }",
      /machineName is no text; .*machineInventoryLabels\.a is no/,
    ],
    ["machineInventoryAnnotations: [x]", /machineInventoryAnnotations is no map/],
    ["cloudConfig: text", /cloudConfig is no map/],
    ["just text", /holds no map/],
    ["kind: ConfigMap\ndata: {}", /its kind is ConfigMap and not MachineRegistration/],
    ["kind: 7\nspec: {}", /its kind is no text and not MachineRegistration/],
    ["kind: List\nitems: []", /it is a list of 0: one MachineRegistration is wanted/],
    ["kind: List", /it is a list of 0/],
    ["kind: List\nitems: [{kind: MachineRegistration}, {kind: MachineRegistration}]", /it is a list of 2/],
    ["kind: List\nitems: [{kind: Secret, spec: {}}]", /a list of a thing whose kind is Secret/],
    ["a: [", /is not YAML/],
  ])("refuses %j and names every bad field", (text, says) => {
    expect(() => registrationTemplates(text, "f")).toThrow(expect.objectContaining({ code: "CLI_USAGE" }));
    expect(() => registrationTemplates(text, "f")).toThrow(says);
  });
});

describe("formatDescription", () => {
  it("names each placeholder that is empty", () => {
    const smbios = { "System Information": { Manufacturer: "Dell Inc.\u001B[2J" } };
    const description = describeTemplates(registrationTemplates(WHOLE, "f"), { ekHash: "0".repeat(64), smbios });
    expect(formatDescription(description).split("\n")).toEqual([
      expect.stringMatching(/^name {8}node-[a-z0-9]{5} {3}\(\$\{System Information\/Serial Number\} is empty\)$/),
      expect.stringMatching(/^label {7}vendor: "Dell-Inc/),
      "label       rack: left out: ${Chassis Information/Asset Tag} is empty",
      'annotation  product: "unknown"',
      "",
    ]);
  });

  it("says what the host name will be, and why it is the inventory's where it is", () => {
    const smbios = { "System Information": { "Serial Number": "Default string" } };
    const spec = "machineName: edge\ncloudConfig: { hostname: 'node-${System Information/Serial Number}' }";
    const machine = { ekHash: "0".repeat(64), smbios };
    const [name, hostname] = formatDescription(describeTemplates(registrationTemplates(spec, "f"), machine)).split(
      "\n",
    );
    expect(name).toMatch(/^name {8}edge[a-z0-9]{5}$/);
    expect(hostname).toBe(
      `hostname    ${name?.slice("name        ".length) ?? ""}   (\${System Information/Serial Number} is empty)`,
    );
  });
});

describe("parseKeyValues", () => {
  it("takes KEY=VALUE, the value with anything in it", () => {
    const parsed = parseKeyValues(["example.com/rack=r=1", "empty=", "a=1", "a=2"], "label");
    expect({ ...parsed }).toEqual({ "example.com/rack": "r=1", empty: "", a: "2" });
  });

  it.each(["rack", "=x", "sp ace=x", "-a=x", `a=${"x".repeat(64)}`])("refuses %j", (text) => {
    expect(() => parseKeyValues([text], "label")).toThrow(expect.objectContaining({ code: "CLI_USAGE" }));
  });

  it("bounds how many there are, and their size", () => {
    const many = Array.from({ length: 65 }, (_none, index) => `k${index}=v`);
    const large = Array.from({ length: 20 }, (_none, index) => `k${index}=${"x".repeat(2_000)}`);
    expect(() => parseKeyValues(many, "label")).toThrow(expect.objectContaining({ code: "CLI_USAGE" }));
    expect(() => parseKeyValues(large, "annotation")).toThrow(expect.objectContaining({ code: "CLI_USAGE" }));
  });
});
