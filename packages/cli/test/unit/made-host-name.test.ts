/** A host name that the operator makes of a template, through the file that it is written to, to who applies it. */
import { parseCloudConfig } from "@rancheros/agent/cloud-config";
import { hostName } from "@rancheros/protocol/templates";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { formatCloudConfig } from "../../src/cloud-config-text.ts";

/** Also halves of characters, which no text should have. */
const CHARACTER = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const MACHINE = { name: "m-dell-7x9-bcdfg", ekHash: "ab".repeat(32) };

function applied(hostname: string): unknown {
  const { config, findings } = parseCloudConfig(Buffer.from(formatCloudConfig({ hostname, timezone: "UTC" })));
  return { hostname: config?.hostname, timezone: config?.timezone, findings };
}

describe("a host name that was made of a template", () => {
  it.each(["no", "null", "True", "y", "0x10", "1e3", "7", "~", "x\nruncmd: [reboot]"])(
    "is text where SMBIOS says %j",
    (serial) => {
      const smbios = { a: { b: serial } };
      const { value } = hostName("${a/b}", { ...MACHINE, smbios });
      expect(applied(value)).toEqual({ hostname: value, timezone: "UTC", findings: [] });
      // As cloud-init reads it.
      expect(parse(formatCloudConfig({ hostname: value }), { version: "1.1" })).toEqual({ hostname: value });
    },
  );

  it("is taken by the node, whatever the template and the SMBIOS are", () => {
    const piece = fc.oneof(fc.constantFrom("${a/b}", ".", "-"), fc.string({ unit: CHARACTER }));
    const serials = fc.oneof(fc.string({ unit: CHARACTER }), fc.string({ minLength: 50, maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), serials, (pieces, serial) => {
        const { value } = hostName(pieces.join(""), { ...MACHINE, smbios: { a: { b: serial } } });
        expect(applied(value)).toEqual({ hostname: value, timezone: "UTC", findings: [] });
      }),
    );
  });
});
