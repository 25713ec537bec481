/** Modes of files, as people write them, and as kubectl and JSON leave them. */
import { describe, expect, it } from "vitest";

import { parseCloudConfig } from "../../../src/cloud-config/parse-cloud-config.ts";

function read(written: string): { readonly mode: string | undefined; readonly findings: readonly string[] } {
  const { config, findings } = parseCloudConfig(
    Buffer.from(`#cloud-config\nwrite_files: [{path: /x, permissions: ${written}}]\n`),
  );
  return {
    mode: config?.files[0]?.mode.toString(8),
    findings: findings.map(({ severity, path, sentence }) => `${severity} ${path} ${sentence}`),
  };
}

describe("permissions", () => {
  it.each([
    ["0600", "600"],
    ["0o600", "600"],
    ['"0600"', "600"],
    ["'600'", "600"],
    ['"420"', "420"],
    ["0420", "420"],
    ["0000", "0"],
    ["04755", "4755"],
    ["!!str 644", "644"],
  ])("%s is octal", (written, mode) => {
    expect(read(written)).toEqual({ mode, findings: [] });
  });

  // What YAML 1.1, and with it kubectl, makes of the mode without quotes.
  it.each([
    0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o711, 0o740, 0o744,
    0o750, 0o751, 0o755, 0o770, 0o775, 0o777, 0o1777, 0o2755, 0o2775, 0o4755,
  ])("%i is the number itself, as for cloud-init", (number) => {
    expect(read(String(number))).toEqual({ mode: number.toString(8), findings: [] });
  });

  it.each([
    "400",
    "440",
    "444",
    "500",
    "550",
    "555",
    "600",
    "640",
    "644",
    "660",
    "700",
    "750",
    "755",
    "777",
    "1777",
    "604",
    "200",
    "5000",
  ])("%s without a leading zero stays octal, with a remark", (written) => {
    expect(read(written)).toEqual({
      mode: written,
      findings: [
        'warning write_files[0].permissions write_files[0].permissions is taken as octal, which cloud-init does not do without quotes or a leading 0: write it as "0644"',
      ],
    });
  });

  it.each(["0", "64", "899", "-420", "420.5", "4096", "99999999999999999999", "true", "[]", '"384"', "0800"])(
    "%s is refused",
    (written) => {
      expect(read(written)).toEqual({
        mode: undefined,
        findings: [
          'error write_files[0].permissions write_files[0].permissions has to be an octal number such as "0644"',
        ],
      });
    },
  );

  it("of a JSON document are the numbers that they are", () => {
    const json = JSON.stringify({
      write_files: [0o600, 0o755].map((permissions) => ({ path: `/${permissions}`, permissions })),
    });
    const { config } = parseCloudConfig(Buffer.from(`#cloud-config\n${json}\n`));
    expect(config?.files.map(({ mode }) => mode)).toEqual([0o600, 0o755]);
  });
});
