import { describe, expect, it } from "vitest";

import { parseTcti } from "../../../src/tpm/tcti.ts";
import { toolEnvironment } from "../../../src/tpm/tool-environment.ts";

describe("parseTcti", () => {
  it.each([
    ["device:/dev/tpmrm0", "/dev/tpmrm0", false],
    ["device:/dev/tpmrm12", "/dev/tpmrm12", false],
    ["tabrmd", undefined, false],
    ["tabrmd:bus_name=com.intel.tss2.Tabrmd", undefined, false],
    ["device:/dev/tpm0", "/dev/tpm0", true],
    ["device", undefined, true],
    ["device:/srv/tpmrm0/x", "/srv/tpmrm0/x", true],
    ["swtpm:host=127.0.0.1,port=2321", undefined, true],
    ["mssim:port=2321", undefined, true],
    ["swtpm:path=/tmp/a:b", undefined, true],
  ])("%s: device %s, keeps objects: %s", (text, devicePath, keepsObjects) => {
    expect(parseTcti(text)).toEqual({ text, devicePath, keepsObjects });
  });

  it.each(["", "none", ":x", "device:/dev/tpm0\0"])("refuses %j", (text) => {
    expect(() => parseTcti(text)).toThrow(expect.objectContaining({ code: "TPM_TCTI_INVALID", failure: "usage" }));
  });
});

describe("toolEnvironment", () => {
  it("keeps what it is given, but not what would hide or leak what the tools say", () => {
    const given = {
      PATH: "/bin",
      HOME: undefined,
      LC_ALL: "de_DE.UTF-8",
      TSS2_LOG: "all+trace",
      TSS2_LOGFILE: "/tmp/everyone-reads-this",
      TPM2TOOLS_TCTI: "device:/dev/tpm9",
    };
    expect(toolEnvironment(given)).toEqual({ PATH: "/bin", LC_ALL: "C", TSS2_LOG: "all+WARNING" });
  });
});
