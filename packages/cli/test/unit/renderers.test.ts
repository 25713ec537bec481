/** What people see of data that programs get as JSON. */
import { parseCloudConfig as readByAgent } from "@rancheros/agent/cloud-config";
import { CodedError } from "@rancheros/protocol/errors";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { formatCloudConfig, parseCloudConfig } from "../../src/cloud-config-text.ts";
import { describeCheck } from "../../src/describe-check.ts";
import { describeProgress } from "../../src/describe-progress.ts";
import { formatBytes, formatHardware } from "../../src/hardware-text.ts";
import { formatSmbios } from "../../src/smbios-text.ts";

describe("formatSmbios", () => {
  it("looks as dmidecode does, with every structure of a title", () => {
    const first = { Size: "8 GB", Locator: "DIMM A" };
    const second = { Size: "16 GB", Locator: "DIMM B" };
    const text = formatSmbios({
      "System Information": { Manufacturer: "Test Inc.", "Serial Number": "" },
      "BIOS Information": { "Characteristics:": ["PCI is supported", "UEFI is supported"] },
      "BIOS Language Information": { "Installable Languages": ["en|US|iso8859-1"] },
      "Memory Device": first,
      "Memory Device[]": [first, second],
    });
    expect(text).toBe(
      [
        "System Information",
        "\tManufacturer: Test Inc.",
        "\tSerial Number:",
        "",
        "BIOS Information",
        "\tCharacteristics:",
        "\t\tPCI is supported",
        "\t\tUEFI is supported",
        "",
        "BIOS Language Information",
        "\tInstallable Languages:",
        "\t\ten|US|iso8859-1",
        "",
        "Memory Device",
        "\tSize: 8 GB",
        "\tLocator: DIMM A",
        "",
        "Memory Device",
        "\tSize: 16 GB",
        "\tLocator: DIMM B",
        "",
      ].join("\n"),
    );
  });

  it("shows firmware's control characters as dots", () => {
    expect(formatSmbios({ T: { K: "a\u001B[2Jb" } })).toBe("T\n\tK: a.[2Jb\n");
  });
});

describe("cloud-configs", () => {
  it("come back as they were, long lines and difficult text included", () => {
    const config = {
      users: [{ name: "root", ssh_authorized_keys: [`ssh-rsa ${"A".repeat(500)}`] }],
      write_files: [{ content: "#!/bin/sh\necho 'a: b'\n\n", permissions: "0755" }],
      on: { yes: "no", "1_000": "0b1" },
      tricky: [
        "yes",
        "012",
        "0o17",
        "1:30",
        "2026-11-23",
        "=",
        "<<",
        ".inf",
        "a\tb",
        "\tb\nc",
        "a\u0085b",
        "a\u2028b\n",
        "\u001B[0m\n",
        "1e3",
        "~",
        "",
        " lead",
        "a: b",
        "#no",
        "null",
      ],
    };
    const text = formatCloudConfig(config);
    expect(text.startsWith("#cloud-config\n")).toBe(true);
    expect(parse(text)).toEqual(config);
    expect(parse(text, { version: "1.1" })).toEqual(config);
  });

  it("spell what Go's readers of YAML refuse as a control character, or take for a line end", () => {
    const config = { a: "x\u007fy", b: "\u0085\n", "\ufeffc": ["\u2028", "\u009f"] };
    const text = formatCloudConfig(config);
    expect(text).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufeff]/);
    expect(parse(text)).toEqual(config);
  });

  it.each(["0o600", "0600", "0511", "0420", '"0755"', "0o4755"])(
    "keep the permissions %s through parsing and formatting for the agent",
    (written) => {
      const text = `write_files: [{path: /x, permissions: ${written}}]`;
      const again = formatCloudConfig(Object.assign({}, parseCloudConfig(text, "f.yaml")));
      const { config, findings } = readByAgent(Buffer.from(again));
      expect(findings).toEqual([]);
      expect(config?.files[0]?.mode).toBe(Number.parseInt(written.replaceAll(/[^0-7]/g, ""), 8));
    },
  );

  it("keep through parsing and formatting what merge keys bring and what !!binary marks", () => {
    const bytes = Buffer.from([0xff, 0, 0x41]);
    const text = `defaults: &b {path: /other, permissions: "0600"}
write_files:
- <<: *b
  path: /x
  content: !!binary ${bytes.toString("base64")}
`;
    const read = Object.assign({}, parseCloudConfig(text, "f.yaml"));
    const { config, findings } = readByAgent(Buffer.from(formatCloudConfig(read)));
    expect(findings.map(({ sentence }) => sentence)).toEqual(['there is no key "defaults"; it is left out']);
    expect(config?.files).toMatchObject([{ path: "/x", mode: 0o600 }]);
    expect(Buffer.from(config?.files[0]?.content ?? "").equals(bytes)).toBe(true);
  });

  it.each([
    ["!!binary canary*", "line 1: what !!binary marks is no base64"],
    ["!!float 3", "line 1: a tag (!) is not known, or its value is none of its kind"],
    ["!canary x", "line 1: a tag (!) is not known, or its value is none of its kind"],
  ])("with %s would become another value, and are refused", (value, sentence) => {
    expect(() => parseCloudConfig(`a: ${value}\n`, "f.yaml")).toThrow(
      `the file f.yaml has a value that cannot be read: ${sentence}`,
    );
  });

  it("that are no YAML, or blow up, are refused without showing them", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`;
    for (const text of ["a: [canary", bomb]) {
      expect(() => parseCloudConfig(text, "f.yaml")).toThrow(/^the file f\.yaml is not YAML$/);
    }
  });
});

describe("describeCheck", () => {
  it("has a line a step, and under what failed what to do", () => {
    const text = describeCheck({
      ok: false,
      error: undefined,
      steps: [
        { step: "tpm", outcome: "ok", sentence: "is there" },
        { step: "ek-certificate", outcome: "warning", sentence: "there is none" },
        { step: "page", outcome: "failed", sentence: "no", code: "X", mend: "Mend it." },
        { step: "challenge", outcome: "not-tried", sentence: "not tried" },
      ],
    });
    expect(text).toBe(
      [
        "TPM               ok        is there",
        "EK certificate    warning   there is none",
        "registration page FAILED    no",
        "                            Mend it.",
        "challenge         not tried",
        "This machine cannot register yet.",
        "",
      ].join("\n"),
    );
  });
});

describe("formatHardware", () => {
  it("has a line a part, without what is not told", () => {
    const text = formatHardware({
      cpu: {
        manufacturer: "Intel",
        model: "Xeon(R) E-2288G",
        sockets: 1,
        physicalCores: 8,
        logicalCores: 16,
        maxSpeedMhz: 5000,
      },
      memory: { totalBytes: 33_562_804_224, swapBytes: 0 },
      disks: [
        {
          device: "/dev/sda",
          model: "DISK\u001B[2J",
          serial: undefined,
          sizeBytes: 2_048_408_248_320,
          rotational: false,
          transport: "sata",
          removable: false,
        },
      ],
      networkInterfaces: [
        {
          name: "eth0",
          mac: "52:54:00:12:34:56",
          virtual: false,
          state: "up",
          ipv4: "192.0.2.7",
          ipv6: undefined,
          speedMbps: 1000,
          mtuBytes: 1500,
          default: true,
        },
      ],
    });
    expect(text).toBe(
      [
        "Processor  Intel Xeon(R) E-2288G, 1 socket, 8 cores, 16 threads, 5000 MHz",
        "Memory     31.3 GiB, no swap",
        "Disk       /dev/sda, 1.86 TiB, solid state, sata, DISK.[2J",
        "Network    eth0, up, 52:54:00:12:34:56, 192.0.2.7, 1000 Mb/s, default route",
        "",
      ].join("\n"),
    );
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [10 * 1024, "10.0 KiB"],
    [480_103_981_056, "447 GiB"],
    [2 ** 70, "1048576 PiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("describeProgress", () => {
  it("names the server where it is dialled", () => {
    expect(describeProgress({ kind: "step", step: "connect", server: "https://h/x" })).toBe(
      "Connecting to the server at https://h/x",
    );
    expect(describeProgress({ kind: "step", step: "config", server: "https://h/x" })).toBe(
      "Waiting for the configuration",
    );
  });

  it("says why and when it tries again", () => {
    const kind = { failure: "refused", retry: "backoff", meaning: "x", mend: "x" } as const;
    const error = new CodedError({ TEST: kind }, "TEST", "the server is not ready");
    expect(describeProgress({ kind: "retry", error, delayMs: 1_234 })).toBe(
      "the server is not ready (TEST); trying again in 1.2 s",
    );
  });
});
