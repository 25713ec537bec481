import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { hostName, isHostNameTemplate } from "../../../src/templates/host-name.ts";

const NAME = "m-dell-7x9-bcdfg";
const EK = "ab".repeat(32);
/** RFC 1123, and what Linux and Kubernetes take of it. */
const VALID = /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

function named(template: string, information: Readonly<Record<string, unknown>> = {}): string {
  return hostName(template, { name: NAME, ekHash: EK, smbios: { "System Information": information } }).value;
}

/** Also halves of characters, which no text should have. */
const CHARACTER = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const SERIAL = "${System Information/Serial Number}";

describe("isHostNameTemplate", () => {
  it.each<[unknown, boolean]>([
    ["a${b}c", true],
    ["${}", true],
    ["${a} ${b", true],
    ["node", false],
    ["${", true],
    ["a${b", true],
    ["}${", true],
    ["$ {a}", false],
    [undefined, false],
    [7, false],
    [["${a}"], false],
  ])("says of %j: %s", (value, expected) => {
    expect(isHostNameTemplate(value)).toBe(expected);
  });
});

describe("hostName", () => {
  it.each([
    [SERIAL, "7X9KQ13", "m7x9kq13"],
    [SERIAL, "KQ13", "kq13"],
    [`node-${SERIAL}`, "7X9KQ13", "node-7x9kq13"],
    [`node-${SERIAL}-`, "7X9", "node-7x9"],
    [`-node_${SERIAL}`, " A/B_C ", "node-a-b-c"],
    [`${SERIAL}.rack1.example.com`, "AB12", "ab12.rack1.example.com"],
    [`..a-.-${SERIAL}..`, "B", "a.b"],
    ["n-${System Information/Family|none-said}", "1", "n-none-said"],
    ["n-${System Information/Family|}", "1", "n"],
    // Dots of the SMBIOS make no labels.
    [`node-${SERIAL}`, "evil.example.com", "node-evil-example-com"],
    [`node-${SERIAL}`, "Ünïcode", "node-n-code"],
    // Becomes a k and an i with a dot where it is made lower-case before it is looked at.
    [`node-${SERIAL}`, "1\u212A2\u01303", "node-1-2-3"],
  ])("makes %s with the serial number %j into %s", (template, serial, expected) => {
    expect(named(template, { "Serial Number": serial })).toBe(expected);
  });

  it.each([
    undefined,
    "",
    "   ",
    "\0\0",
    "---",
    "äöü",
    "\uD800",
    "Not Specified",
    "To Be Filled By O.E.M.",
    "To be filled by O.E.M",
    " Default  string ",
    "System Serial Number",
    "0123456789",
    "1234567890",
    "0000000000",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "N/A",
    "None",
    "XXXXXXX",
    "<BAD INDEX>",
    7,
    { a: "b" },
  ])("takes the inventory's name where the serial number is %j, as it would be that of others", (serial) => {
    const made = hostName(`node-${SERIAL}`, {
      name: NAME,
      ekHash: EK,
      smbios: { "System Information": { "Serial Number": serial } },
    });
    expect(made).toEqual({ value: NAME, empty: ["System Information/Serial Number"] });
    expect(named("node-${System Information/Serial Number|spare}", { "Serial Number": serial })).toBe("node-spare");
  });

  it("takes the inventory's name where one of several placeholders is empty, or nothing is left", () => {
    expect(named(`\${System Information/Manufacturer}-${SERIAL}`, { "Serial Number": "7X9" })).toBe(NAME);
    expect(named("${a|}")).toBe(NAME);
    expect(named("${a|...}")).toBe(NAME);
    expect(named("${}")).toBe(NAME);
  });

  it.each(["node-${System Information/Serial Number", `node-${SERIAL}-\${open`, "${", "a}${b"])(
    "takes the inventory's name where %s is not closed: as it stands no machine takes it, and half of it is that of several",
    (template) => {
      const smbios = { "System Information": { "Serial Number": "7X9" } };
      expect(hostName(template, { name: NAME, ekHash: EK, smbios })).toEqual({ value: NAME, empty: [] });
    },
  );

  it.each([undefined, null, {}])("takes the inventory's name where the SMBIOS is %j", (smbios) => {
    expect(hostName(SERIAL, { name: NAME, ekHash: EK, smbios }).value).toBe(NAME);
  });

  it("finds nothing on the prototypes of objects, nor hardware that a machine sends as SMBIOS", () => {
    const smbios = { Hardware: { Memory: "much" } };
    for (const template of ["x-${constructor/name}", "x-${__proto__/a}", "x-${toString}", "x-${Hardware/memory}"]) {
      expect(hostName(template, { name: NAME, ekHash: EK, smbios }).value).toBe(NAME);
    }
  });

  it("ends in what follows from the TPM where it has to be cut, so that machines stay apart", () => {
    const long = { "Serial Number": `${"a".repeat(63)}1` };
    const one = named(SERIAL, long);
    expect(one).toMatch(/^a{57}-[a-z0-9]{5}$/);
    const other = hostName(SERIAL, { name: NAME, ekHash: "cd".repeat(32), smbios: { "System Information": long } });
    expect(other.value).not.toBe(one);
    expect(named(SERIAL, { "Serial Number": "a".repeat(63) })).toBe("a".repeat(63));
    expect(named(`${"a".repeat(56)}.${SERIAL}`, { "Serial Number": "b".repeat(9) })).toMatch(/^a{56}-[a-z0-9]{5}$/);
  });

  it("cuts an inventory's name that somebody has made longer than a host name may be", () => {
    const machine = { ekHash: EK, smbios: undefined };
    expect(hostName(SERIAL, { ...machine, name: "7.by.hand" }).value).toBe("7.by.hand");
    expect(hostName(SERIAL, { ...machine, name: `${"a".repeat(40)}.${"b".repeat(200)}` }).value).toMatch(
      /^a{40}\.b{16}-[a-z0-9]{5}$/,
    );
  });

  it.each([
    "a\nruncmd: [reboot]",
    "a: b",
    "a # b",
    '"a',
    "'; reboot; '",
    "$(reboot)",
    "`reboot`",
    "../../etc/passwd",
    "{{ .Values }}",
    `\${System Information/Manufacturer}`,
    "\u001B[2J",
    "\u202Egnp.exe",
    "a\u2028b",
  ])("leaves nothing but letters, digits and dashes of %j", (serial) => {
    expect(named(`n${SERIAL}`, { "Serial Number": serial, Manufacturer: "FOUND" })).toMatch(/^n[a-z0-9-]*[a-z0-9]$/);
    expect(named(`n${SERIAL}`, { "Serial Number": serial, Manufacturer: "FOUND" })).not.toContain("found");
  });

  it("costs little, whatever a machine and a registration say", () => {
    const template = SERIAL.repeat(2_000);
    const texts = ["-".repeat(40_000), `a${" ".repeat(40_000)}b`, "to be filled by ".repeat(4_000)];
    const make = (): void => {
      for (const serial of texts) named(template, { "Serial Number": serial });
    };
    expect(cpuMsOf(make)).toBeLessThan(SOON_MS);
  });

  it("is a valid name, the same each time, whatever the template and the SMBIOS are", () => {
    const piece = fc.oneof(
      fc.constantFrom(SERIAL, "${a/b}", "${a|.b.}", "${", "}", ".", "-", "_", "A", "0"),
      fc.string(),
    );
    const value = fc.oneof(fc.string({ unit: CHARACTER, maxLength: 100 }), fc.constant("x".repeat(300)));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), value, value, (pieces, serial, b) => {
        const smbios = { "System Information": { "Serial Number": serial }, a: { b } };
        const make = () => hostName(pieces.join(""), { name: NAME, ekHash: EK, smbios }).value;
        expect(make()).toMatch(VALID);
        expect(make()).toBe(make());
      }),
    );
  });
});
