import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeTemplates, fillTemplate } from "../../../src/templates/index.ts";

const ekHash = "ab".repeat(32);
const smbios = { "System Information": { Manufacturer: "Dell Inc.", "Serial Number": "", "a|b": "old" } };
const hardware = { memory: { totalBytes: "1024" }, disks: [{ device: "/dev/sda", serial: "W470" }] };

describe("fillTemplate with a fallback", () => {
  it.each([
    ["${System Information/Manufacturer|none}", "Dell Inc.", []],
    ["${System Information/Serial Number|no serial}", "no serial", []],
    ["${No/Such|}", "", []],
    ["x-${No/Such|a|b/c}", "x-a|b/c", []],
    ["${No/Such}-${Other|y}", "-y", ["No/Such"]],
    // What the original found under a key with a bar is found still.
    ["${System Information/a|b}", "old", []],
    ["${No/Such|open", "${No/Such|open", []],
    ["${|nothing}", "nothing", []],
  ])("turns %s into %j", (template, text, empty) => {
    expect(fillTemplate(template, smbios)).toEqual({ text, empty });
  });

  it("fills templates without a bar as one replacement of all placeholders does", () => {
    const piece = fc.constantFrom("${a/b}", "${a}", "${x/y}", "${", "}", "$", "text ");
    const data = { a: { b: "found" } };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const template = pieces.join("");
        const plain = template.replaceAll(/\$\{([^}]*)\}/g, (_, path: string) => (path === "a/b" ? "found" : ""));
        expect(fillTemplate(template, data).text).toBe(plain);
      }),
    );
  });
});

describe("fillTemplate with much text", () => {
  const LONGEST = 16_384;

  it("leaves an administrator's own text as it is, before and after what a machine says", () => {
    const [before, after] = ["b".repeat(8_000), "a".repeat(8_000)];
    expect(fillTemplate(before + after, smbios).text).toBe(before + after);
    const filled = fillTemplate(`${before}\${System Information/Manufacturer}${after}`, smbios).text;
    expect(filled).toBe(`${before}Dell Inc.${after}`);
    expect(fillTemplate(`\${No/Such|${before}}${after}`, smbios).text).toBe(before + after);
  });

  it("takes no more than 2,048 characters of all that a machine says", () => {
    const data = { a: { b: "x".repeat(3_000), c: "y".repeat(100) } };
    expect(fillTemplate("<${a/b}>", data).text).toBe(`<${"x".repeat(2_048)}>`);
    expect(fillTemplate("${a/c}".repeat(30), data).text).toBe("y".repeat(2_048));
    expect(fillTemplate("${a/b}${a/c}|", data)).toEqual({ text: `${"x".repeat(2_048)}|`, empty: [] });
  });

  it("is bounded whatever the template is", () => {
    const data = { a: { b: "x".repeat(3_000) } };
    expect(fillTemplate("t".repeat(50_000), data).text).toHaveLength(LONGEST + 2_048);
    expect(fillTemplate("${a/b}".repeat(50_000), data).text).toHaveLength(2_048);
  });
});

describe("annotations that are more together than Kubernetes takes", () => {
  const ROOM_BYTES = 262_144 - 4_096;
  const machine = { ekHash: "ab".repeat(32), smbios: { a: { b: "日".repeat(2_048), c: "short" } } };
  const filled = (annotations: Readonly<Record<string, string>>) => {
    const made = describeTemplates({ machineInventoryAnnotations: annotations }, machine).annotations;
    const texts = Object.fromEntries(Object.entries(made).map(([key, { value }]) => [key, value ?? ""]));
    return { texts, bytes: Buffer.byteLength(Object.entries(texts).flat().join("")) };
  };
  const many = (count: number, template: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`note-${at}`, template]));

  it("have less of what the machine says in them, and all of the administrator's own text", () => {
    const { texts, bytes } = filled({ ...many(15, `${"o".repeat(16_000)}\${a/b}!`), c: "${a/c}" });
    expect(bytes).toBeLessThanOrEqual(ROOM_BYTES);
    expect(bytes).toBeGreaterThan(ROOM_BYTES - 15 * 2_048 * 3);
    const isWhole = (text: string): boolean => /^o{16000}日+!$/u.test(text);
    expect(Object.values(texts).slice(0, 15).every(isWhole)).toBe(true);
    expect(texts["c"]).toBe("short");
  });

  it("are cut only where that must be", () => {
    const { texts, bytes } = filled(many(41, "${a/b}"));
    expect(bytes).toBeLessThanOrEqual(ROOM_BYTES);
    expect(Object.values(texts).every((text) => text === "日".repeat(2_048))).toBe(true);
  });

  it("keep the administrator's text also where that alone is too much", () => {
    const { texts } = filled(many(17, `${"o".repeat(16_000)}\${a/b}!`));
    const isOwn = (text: string): boolean => text === `${"o".repeat(16_000)}!`;
    expect(Object.values(texts).every(isOwn)).toBe(true);
  });
});

describe("describeTemplates", () => {
  it("looks up the hardware under its own segment, lists by number", () => {
    const made = describeTemplates(
      {
        machineName: "n-${Hardware/memory/totalBytes}-",
        machineInventoryLabels: { disk: "${Hardware/disks/0/serial}", second: "${Hardware/disks/1/serial}" },
      },
      { ekHash, smbios, hardware },
    );
    expect(made.name.value).toMatch(/^n-1024-[a-z0-9]{5}$/);
    expect(made.labels).toEqual({
      disk: { value: "W470", empty: [] },
      second: { value: undefined, empty: ["Hardware/disks/1/serial"] },
    });
  });

  it("does not take an SMBIOS section for the hardware", () => {
    const forged = { Hardware: { memory: { totalBytes: "much" } } };
    const spec = { machineInventoryAnnotations: { memory: "${Hardware/memory/totalBytes|unknown}" } };
    expect(describeTemplates(spec, { ekHash, smbios: forged }).annotations).toEqual({
      memory: { value: "unknown", empty: [] },
    });
  });

  it("says which placeholders of the name were empty, also of the default one", () => {
    expect(describeTemplates({}, { ekHash, smbios }).name).toEqual({
      value: expect.stringMatching(/^m-dell-inc-[a-z0-9]{5}$/) as unknown,
      empty: ["System Information/Product Name", "System Information/Serial Number"],
    });
    expect(describeTemplates({ machineName: "" }, { ekHash, smbios: undefined }).name.empty).toHaveLength(3);
  });

  it("says what the machine will call itself, where its cloud config says anything of it", () => {
    const about = (hostname: unknown) => describeTemplates({ cloudConfig: { hostname } }, { ekHash, smbios, hardware });
    expect(about("${System Information/Manufacturer}").hostname).toEqual({ value: "dell-inc", empty: [] });
    const empty = about("n-${System Information/Serial Number}");
    expect(empty.hostname).toEqual({ value: empty.name.value, empty: ["System Information/Serial Number"] });
    expect(about("n-${Hardware/memory/totalBytes}").hostname?.empty).toEqual(["Hardware/memory/totalBytes"]);
    expect(about("Edge_1").hostname).toEqual({ value: "Edge_1", empty: [] });
    expect(about(undefined).hostname).toBeUndefined();
    expect(about(7).hostname).toBeUndefined();
    expect(describeTemplates({ cloudConfig: null }, { ekHash, smbios }).hostname).toBeUndefined();
  });
});
