/** What other programs print and write: units of time, mounts, environment files, what a TPM says. */
import { describe, expect, it } from "vitest";

import { parseEnvironmentFile } from "../../../src/doctor/environment-file.ts";
import { isMountedReadOnly } from "../../../src/doctor/mount-info.ts";
import { parseSpanSeconds } from "../../../src/doctor/systemd-span.ts";
import { parseTpmState } from "../../../src/tpm/tpm-state.ts";

describe("a span of systemd", () => {
  it.each([
    ["0", 0],
    ["infinity\n", 0],
    ["1min", 60],
    ["1min 30s", 90],
    ["2h 500ms", 7200.5],
    ["60s\n", 60],
    ["", undefined],
    ["soon", undefined],
    ["1min soon", undefined],
    ["-5s", undefined],
  ])("%j has %s seconds", (text, seconds) => {
    expect(parseSpanSeconds(text)).toBe(seconds);
  });
});

describe("the mount under a path", () => {
  // Lines of Debian 12's /proc/self/mountinfo.
  const info = [
    "22 1 8:3 / / ro,relatime shared:1 - ext4 /dev/sda3 ro",
    "30 22 8:6 / /var rw,relatime shared:2 - ext4 /dev/sda6 rw",
    "31 30 0:40 / /var/with\\040space ro - tmpfs tmpfs rw",
    "32 22 8:2 / /oem rw - ext4 /dev/sda2 ro",
    "33 22 8:9 / /late ro - ext4 /dev/x ro",
    "34 33 8:9 / /late rw - ext4 /dev/x rw",
  ].join("\n");
  it.each([
    ["/usr", true],
    ["/var/lib/rancheros", false],
    ["/variant", true],
    ["/var/with space/x", true],
    ["/oem", true],
    ["/late/x", false],
  ])("of %s is read-only: %s", (path, isReadOnly) => {
    expect(isMountedReadOnly(info, path)).toBe(isReadOnly);
  });

  it("is none where nothing is known", () => {
    expect(isMountedReadOnly("", "/var")).toBe(false);
    expect(isMountedReadOnly("broken line\n", "/var")).toBe(false);
  });
});

describe("an environment file of systemd", () => {
  it("is read with comments, quotes and continued lines", () => {
    const text = [
      "# HTTPS_PROXY=http://no.test",
      "; comment",
      "HTTPS_PROXY=http://proxy.test:3128",
      'NO_PROXY="a.test, \\"b\\""',
      "SINGLE='x y'",
      "LONG=one\\",
      "two",
      "not a line",
      "EMPTY=",
      "HTTPS_PROXY=http://last.test",
    ].join("\n");
    expect(parseEnvironmentFile(text)).toEqual({
      HTTPS_PROXY: "http://last.test",
      NO_PROXY: 'a.test, "b"',
      SINGLE: "x y",
      LONG: "onetwo",
      EMPTY: "",
    });
  });

  it("makes no prototype of a name", () => {
    expect(Object.getPrototypeOf(parseEnvironmentFile("__proto__=x"))).toBe(Object.prototype);
  });
});

describe("what a TPM says of itself", () => {
  // tpm2-tools 5.4 on swtpm 0.7.
  const fixed =
    'TPM2_PT_FAMILY_INDICATOR:\n  raw: 0x322E3000\n  value: "2.0"\nTPM2_PT_MANUFACTURER:\n  raw: 0x49424D00\n  value: "IBM"\nTPM2_PT_VENDOR_STRING_1:\n  raw: 0x53572020\n  value: "SW  "\n';
  const variable =
    "TPM2_PT_PERMANENT:\n  ownerAuthSet:              0\n  endorsementAuthSet:        0\n  lockoutAuthSet:            0\n  reserved1:                 0\n  inLockout:                 1\nTPM2_PT_STARTUP_CLEAR:\n  phEnable:                  1\n  ehEnable:                  1\nTPM2_PT_LOCKOUT_COUNTER: 0x3\nTPM2_PT_MAX_AUTH_FAIL: 0x20\nTPM2_PT_LOCKOUT_INTERVAL: 0x1C20\n";

  it("is read as the tools print it", () => {
    expect(parseTpmState(fixed, variable)).toEqual({
      maker: "IBM SW",
      isLockedOut: true,
      failedLogins: 3,
      maxFailedLogins: 32,
      lockoutIntervalSeconds: 7200,
      isEndorsementEnabled: true,
      hasEndorsementPassword: false,
      hasOwnerPassword: false,
    });
  });

  it.each(["inLockout", "ehEnable", "TPM2_PT_LOCKOUT_COUNTER", "TPM2_PT_MAX_AUTH_FAIL"])(
    "is nonsense without %s",
    (name) => {
      const text = variable
        .split("\n")
        .filter((line) => !line.includes(name))
        .join("\n");
      expect(() => parseTpmState(fixed, text)).toThrow(expect.objectContaining({ code: "TPM_NONSENSE" }));
    },
  );

  it("shows no control characters of a chip", () => {
    expect(parseTpmState('TPM2_PT_MANUFACTURER:\n  raw: 0x1\n  value: "A\u001b[2J"\n', variable).maker).toBe("A[2J");
  });
});
