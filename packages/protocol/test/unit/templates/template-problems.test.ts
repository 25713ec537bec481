import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillTemplate, templateProblems } from "../../../src/templates/index.ts";

describe("templateProblems", () => {
  it("has nothing to say of a registration whose templates are right, or that has none", () => {
    const label = "${System Information/Manufacturer}";
    expect(templateProblems({})).toEqual([]);
    expect(
      templateProblems({
        machineName: "node-${System Information/Serial Number|$}-",
        machineInventoryLabels: { vendor: label, edge: null },
        machineInventoryAnnotations: null,
        cloudConfig: { hostname: "node-${System Information/Serial Number}", note: "${" },
      }),
    ).toEqual([]);
    expect(templateProblems({ cloudConfig: { hostname: ["${"] } })).toEqual([]);
  });

  it("names each field with a placeholder that is not closed", () => {
    expect(
      templateProblems({
        machineName: "a${b",
        machineInventoryLabels: { vendor: "${a/x} ${y" },
        machineInventoryAnnotations: { "example.com/note": "${" },
        cloudConfig: { hostname: `n-\${${"long ".repeat(30)}` },
      }),
    ).toEqual([
      "spec.machineName: ${b has no } and is taken as it stands",
      "spec.machineInventoryLabels[vendor]: ${y has no } and is taken as it stands",
      "spec.machineInventoryAnnotations[example.com/note]: ${ has no } and is taken as it stands",
      `spec.cloudConfig.hostname: \${${"long ".repeat(11)}lon... has no }, so that each machine is called as its MachineInventory`,
    ]);
  });

  it("names what was no placeholder to the original, and finds nothing on any machine", () => {
    const literal = "write ${-|$}{PATH} where the text itself is meant";
    expect(
      templateProblems({
        machineInventoryLabels: { path: "a-${PATH}-${b/c}" },
        machineInventoryAnnotations: { cmd: "echo ${PATH}", literal: "echo ${-|$}{PATH}", other: "${A|b}${A/B}" },
        cloudConfig: { hostname: "n-${PATH}" },
      }),
    ).toEqual([
      `spec.machineInventoryLabels[path]: \${PATH} finds nothing, as it names no section and key, so that no machine gets this; ${literal}`,
      `spec.machineInventoryAnnotations[cmd]: \${PATH} finds nothing, as it names no section and key, so that no machine gets this; ${literal}`,
      "spec.cloudConfig.hostname: ${PATH} finds nothing, as it names no section and key, so that each machine is called as its MachineInventory",
    ]);
    expect(fillTemplate("echo ${-|$}{PATH}", {})).toEqual({ text: "echo ${PATH}", empty: [] });
  });

  it("says that host names are not made of hardware, unless it is said what to write in its place", () => {
    expect(templateProblems({ cloudConfig: { hostname: "${Hardware/disks/0/serial}" } })).toEqual([
      "spec.cloudConfig.hostname: ${Hardware/disks/0/serial} finds nothing, as host names are made of SMBIOS only",
    ]);
    expect(templateProblems({ machineName: "${Hardware/disks/0/serial}" })).toEqual([]);
  });

  it("names hardware that no agent sends, whatever is to be written in its place", () => {
    expect(
      templateProblems({
        machineName: "n-${Hardware/memory/totalBytes}-${Hardware/Disks/0/Name|none}-",
        machineInventoryLabels: { cores: "${Hardware/cpu/logicalCores}", mac: "${Hardware/networkInterfaces/0/mac}" },
        machineInventoryAnnotations: { "example.com/all": "${Hardware}", other: "${Hardwares/x}" },
      }),
    ).toEqual([
      "spec.machineName: ${Hardware/Disks/0/Name|none} finds nothing, as below Hardware there is only cpu, memory, disks, networkInterfaces",
      "spec.machineInventoryAnnotations[example.com/all]: ${Hardware} finds nothing, as below Hardware there is only cpu, memory, disks, networkInterfaces",
    ]);
  });

  it("names each key that Kubernetes does not take, with which no machine can be made", () => {
    expect(
      templateProblems({
        machineInventoryLabels: { "example..com/rack": null, "example.com/rack": "b" },
        machineInventoryAnnotations: { "a-.b/x": "c", ["long".repeat(30)]: "d" },
      }),
    ).toEqual([
      "spec.machineInventoryLabels[example..com/rack]: is no key that Kubernetes takes, so that no new machine can register; write one such as example.com/rack or rack",
      "spec.machineInventoryAnnotations[a-.b/x]: is no key that Kubernetes takes, so that no new machine can register; write one such as example.com/rack or rack",
      `spec.machineInventoryAnnotations[${"long".repeat(15)}...]: is no key that Kubernetes takes, so that no new machine can register; write one such as example.com/rack or rack`,
    ]);
  });

  it("says it where annotations are more than Kubernetes takes, so that no machine can be made", () => {
    const all = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`note-${index}`, "ä".repeat(10_000)]));
    expect(templateProblems({ machineInventoryAnnotations: all(12) })).toEqual([]);
    expect(templateProblems({ machineInventoryAnnotations: all(13) })).toEqual([
      "spec.machineInventoryAnnotations: are 260081 bytes together, so that no new machine can register: Kubernetes takes 262144, of which 4096 are the operator's",
    ]);
  });

  it("says it where what machines say may make them more than that, so that less of it is written", () => {
    const all = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`note-${at}`, "${A/B}"]));
    const own = { own: "x".repeat(6_144), other: "y".repeat(6_144) };
    expect(templateProblems({ machineInventoryAnnotations: { ...own, ...all(39) } })).toEqual([]);
    expect(templateProblems({ machineInventoryAnnotations: { ...own, ...all(40) } })).toEqual([
      "spec.machineInventoryAnnotations: may come to 258566 bytes together with up to 2048 characters of a machine in each of 40: Kubernetes takes 262144, of which 4096 are the operator's, so that less of what a machine says may be written",
    ]);
  });

  it("finds just those that filling leaves as they stand", () => {
    const piece = fc.constantFrom("${", "}", "{", "a/b", " ");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const machineName = pieces.join("");
        expect(templateProblems({ machineName }).length > 0).toBe(fillTemplate(machineName, {}).text.includes("${"));
      }),
    );
  });
});
