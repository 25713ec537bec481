import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatSmbiosHeader,
  HEADER_MAX_BYTES,
  MessageError,
  parseSmbiosHeader,
  parseSmbiosTree,
  SMBIOS_MAX_DEPTH,
  SMBIOS_MAX_ENTRIES,
  smbiosOfHeaders,
} from "@rancheros/protocol/messages";
import type { SmbiosNode, SmbiosTree } from "@rancheros/protocol/messages";
import { thrownBy } from "../tpm/thrown.ts";

const machine = {
  "System Information": { Manufacturer: "QEMU", "Product Name": "", "Serial Number": "Größe 42" },
  "BIOS Information": { "Characteristics:": ["PCI is supported", "BIOS is upgradeable"] },
  "Memory Device": [{ Size: "16 GB" }, { Size: "32 GB" }],
};

function header(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64");
}

/** Objects inside each other, the innermost with one text. */
function nested(levels: number): SmbiosTree {
  return levels === 1 ? { leaf: "x" } : { level: nested(levels - 1) };
}

describe("X-Cattle-Smbios", () => {
  it("is base64 of the JSON, as ros-installer sends it", () => {
    expect(formatSmbiosHeader({ "System Information": { UUID: "a" } })).toBe(
      "eyJTeXN0ZW0gSW5mb3JtYXRpb24iOnsiVVVJRCI6ImEifX0=",
    );
    expect(parseSmbiosHeader("eyJTeXN0ZW0gSW5mb3JtYXRpb24iOnsiVVVJRCI6ImEifX0=")).toEqual({
      "System Information": { UUID: "a" },
    });
  });

  it("comes back with text, lists and lists of handles", () => {
    expect(parseSmbiosHeader(formatSmbiosHeader(machine))).toEqual(machine);
  });

  it("comes back for any tree within the limits", () => {
    const { tree } = fc.letrec<{ node: SmbiosNode; tree: SmbiosTree }>((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        fc.string({ unit: "grapheme" }),
        fc.array(tie("node"), { maxLength: 4 }),
        tie("tree"),
      ),
      tree: fc.dictionary(
        fc.string().filter((key) => key !== "__proto__"),
        tie("node"),
        { maxKeys: 5, noNullPrototype: true },
      ),
    }));
    const depth = (node: SmbiosNode): number =>
      typeof node === "string" ? 0 : 1 + Math.max(0, ...Object.values(node).map((child: SmbiosNode) => depth(child)));
    fc.assert(
      fc.property(tree, (value) => {
        fc.pre(depth(value) <= SMBIOS_MAX_DEPTH);
        expect(parseSmbiosHeader(formatSmbiosHeader(value))).toEqual(value);
      }),
    );
  });

  it("that does not fit into a request is not sent", () => {
    const large = { "OEM Strings": Array.from({ length: 100 }, () => "x".repeat(300)) };
    expect(thrownBy(() => formatSmbiosHeader(large))).toMatchObject({ code: "MESSAGE_UNENCODABLE" });
  });
});

describe("the SMBIOS of a request", () => {
  it("is in one header, or in numbered parts up to the first that is not there", () => {
    const part = (number: number) => `x-cattle-smbios-${number}`;
    expect(smbiosOfHeaders({})).toBeUndefined();
    expect(smbiosOfHeaders({ "x-cattle-smbios": "abcd" })).toBe("abcd");
    expect(smbiosOfHeaders({ "x-cattle-smbios": "abcd", [part(1)]: "efgh" })).toBe("abcd");
    expect(smbiosOfHeaders({ [part(2)]: "b", [part(1)]: "a", [part(10)]: "z", [part(4)]: "x" })).toBe("ab");
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [part(index + 1), "x"]));
    expect(smbiosOfHeaders(many)).toHaveLength(200);
  });
});

describe("what the Go server refuses with 401 (reference capture of 2026), we refuse with a code", () => {
  it.each([
    ["%%%", "MESSAGE_NOT_BASE64", "X-Cattle-Smbios: illegal base64 data at input byte 0"],
    ["YWJj", "MESSAGE_NOT_JSON", "X-Cattle-Smbios is not JSON"],
  ])("%s", (value, code, message) => {
    expect(thrownBy(() => parseSmbiosHeader(value))).toMatchObject({ code, message });
  });
});

describe("hostile SMBIOS", () => {
  it.each([
    ["of 1 MB", "A".repeat(1024 * 1024), "MESSAGE_TOO_LARGE"],
    ["of broken UTF-8", Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]).toString("base64"), "MESSAGE_NOT_UTF8"],
    ["with half a surrogate pair", header('{"a":"\\ud800"}'), "MESSAGE_NOT_UTF8"],
    ["with half a surrogate pair in a key", header('{"\\udc00":"a"}'), "MESSAGE_NOT_UTF8"],
    ["that is a list", header([]), "MESSAGE_FIELDS"],
    ["that is null", header("null"), "MESSAGE_FIELDS"],
    ["that is text", header('"text"'), "MESSAGE_FIELDS"],
    ["with a number", header({ a: { b: 1 } }), "MESSAGE_SMBIOS_LEAF"],
    ["with null", header({ a: null }), "MESSAGE_SMBIOS_LEAF"],
    ["with a truth value in a list", header({ a: ["x", true] }), "MESSAGE_SMBIOS_LEAF"],
    ["deeper than 8", header(nested(SMBIOS_MAX_DEPTH + 1)), "MESSAGE_SMBIOS_TOO_DEEP"],
    ["of 10,000 brackets", header(`${"[".repeat(10_000)}${"]".repeat(10_000)}`), "MESSAGE_FIELDS"],
    ["of 4,000 levels", header(`${'{"":'.repeat(4_000)}""${"}".repeat(4_000)}`), "MESSAGE_SMBIOS_TOO_DEEP"],
  ])("%s", (_case, value, code) => {
    expect(value.length <= HEADER_MAX_BYTES || code === "MESSAGE_TOO_LARGE").toBe(true);
    expect(thrownBy(() => parseSmbiosHeader(value))).toMatchObject({ code });
  });

  it("of 10,000 keys", () => {
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [String(index), ""]));
    expect(thrownBy(() => parseSmbiosTree(keys))).toMatchObject({ code: "MESSAGE_SMBIOS_TOO_MANY_ENTRIES" });
  });

  it("at the limits is taken", () => {
    const entries = Array.from({ length: SMBIOS_MAX_ENTRIES - 1 }, () => "");
    expect(parseSmbiosTree({ list: entries })).toEqual({ list: entries });
    expect(parseSmbiosTree(nested(SMBIOS_MAX_DEPTH))).toEqual(nested(SMBIOS_MAX_DEPTH));
  });

  it("one above the limits is not", () => {
    const entries = Array.from({ length: SMBIOS_MAX_ENTRIES }, () => "");
    expect(thrownBy(() => parseSmbiosTree({ list: entries }))).toMatchObject({
      code: "MESSAGE_SMBIOS_TOO_MANY_ENTRIES",
    });
  });

  it("with keys of JavaScript's own changes nothing but itself", () => {
    const tree = parseSmbiosHeader(
      header('{"__proto__":{"polluted":"yes"},"constructor":{"prototype":"x"},"toString":"y","a":{"__proto__":"z"}}'),
    );
    expect(Object.getOwnPropertyDescriptor(Object.prototype, "polluted")).toBeUndefined();
    expect(tree["polluted"]).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["constructor", "toString", "a"]);
    expect(tree["hasOwnProperty"]).toBeUndefined();
    expect(JSON.stringify({ ...tree })).toBe('{"constructor":{"prototype":"x"},"toString":"y","a":{}}');
  });

  it("is refused only with the coded error, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json({ maxDepth: 12 }), fc.string()), (text) => {
        let outcome: unknown = "parsed";
        try {
          parseSmbiosHeader(header(text));
        } catch (error) {
          outcome = error instanceof MessageError ? "refused" : error;
        }
        expect(["parsed", "refused"]).toContain(outcome);
      }),
      { numRuns: 500 },
    );
  });
});
