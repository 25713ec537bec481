import { describe, expect, it } from "vitest";

import { findResponseCode, toolFailure } from "../../../src/tpm/tool-failure.ts";

const TOOL = { program: "tpm2_nvread", tcti: "device:/dev/tpmrm0" };

/** stderr of tpm2-tools 5.4 with tpm2-tss 3.2.1 (Debian 12), LC_ALL=C, provoked by hand unless said otherwise. */
function unopened(...reasons: readonly string[]): string {
  return [
    ...reasons,
    "ERROR:tcti:src/tss2-tcti/tctildr-dl.c:154:tcti_from_file() Could not initialize TCTI file: device ",
    "ERROR:tcti:src/tss2-tcti/tctildr.c:428:Tss2_TctiLdr_Initialize_Ex() Failed to instantiate TCTI ",
    'ERROR: Could not load tcti, got: "device:/dev/tpmrm0"',
    "",
  ].join("\n");
}

function refused(command: string, number: string, words: string, tool: string): string {
  return [
    `WARNING:esys:src/tss2-esys/api/Esys_${command}.c:400:Esys_${command}_Finish() Received TPM Error `,
    `ERROR:esys:src/tss2-esys/api/Esys_${command}.c:135:Esys_${command}() Esys Finish ErrorCode (0x${number.padStart(8, "0")}) `,
    `ERROR: Esys_${command}(0x${number.toUpperCase()}) - ${words}`,
    `ERROR: Unable to run ${tool}`,
    "",
  ].join("\n");
}

describe("a tool that cannot open the TPM", () => {
  it.each([
    {
      title: "no device",
      stderr: unopened(
        "ERROR:tcti:src/tss2-tcti/tcti-device.c:452:Tss2_Tcti_Device_Init() Failed to open specified TCTI device file /dev/tpmrm0: No such file or directory ",
      ),
      code: "TPM_DEVICE_MISSING",
      reason: "Failed to open specified TCTI device file /dev/tpmrm0: No such file or directory",
    },
    {
      title: "no permission",
      stderr: unopened(
        "ERROR:tcti:src/tss2-tcti/tcti-device.c:452:Tss2_Tcti_Device_Init() Failed to open specified TCTI device file /dev/tpmrm0: Permission denied ",
      ),
      code: "TPM_PERMISSION",
      reason: "Failed to open specified TCTI device file /dev/tpmrm0: Permission denied",
    },
    {
      // Not provoked: the same line with the C library's words for EBUSY.
      title: "held by another program",
      stderr: unopened(
        "ERROR:tcti:src/tss2-tcti/tcti-device.c:452:Tss2_Tcti_Device_Init() Failed to open specified TCTI device file /dev/tpm0: Device or resource busy ",
      ),
      code: "TPM_BUSY",
      reason: "Failed to open specified TCTI device file /dev/tpm0: Device or resource busy",
    },
    {
      title: "nobody listens",
      stderr: unopened(
        "WARNING:tcti:src/util/io.c:262:socket_connect() Failed to connect to host 127.0.0.1, port 28999: errno 111: Connection refused ",
        "ERROR:tcti:src/tss2-tcti/tcti-swtpm.c:614:Tss2_Tcti_Swtpm_Init() Cannot connect to swtpm TPM socket ",
      ),
      code: "TPM_UNREACHABLE",
      reason: "Cannot connect to swtpm TPM socket",
    },
    {
      title: "unknown host",
      stderr: unopened(
        "WARNING:tcti:src/util/io.c:229:socket_connect() Host nosuch.invalid does not resolve to a valid address: -2: Name or service not known ",
        "ERROR:tcti:src/tss2-tcti/tcti-swtpm.c:614:Tss2_Tcti_Swtpm_Init() Cannot connect to swtpm TPM socket ",
      ),
      code: "TPM_UNREACHABLE",
      reason: "Cannot connect to swtpm TPM socket",
    },
    {
      title: "bad configuration",
      stderr: unopened("WARNING:tcti:src/util/key-value-parse.c:50:parse_key_value() key / value string is invalid "),
      code: "TPM_TCTI_INVALID",
      reason: "key / value string is invalid",
    },
    { title: "unknown kind", stderr: unopened(), code: "TPM_TCTI_INVALID", reason: "it gave no reason" },
  ])("$title: $code", ({ stderr, code, reason }) => {
    const error = toolFailure(TOOL, { kind: "failed", exitCode: 1, stderr });
    expect(error).toMatchObject({ code, details: { program: "tpm2_nvread", tcti: "device:/dev/tpmrm0" } });
    expect(error.message).toBe(`tpm2_nvread cannot open the TPM device:/dev/tpmrm0: ${reason}`);
  });
});

describe("a TPM that refuses", () => {
  it.each([
    ["tpm2_createprimary", "CreatePrimary", "9a2", "TPM_AUTHORISATION_SET"],
    ["tpm2_certifycreation", "CertifyCreation", "921", "TPM_LOCKOUT"],
    ["tpm2_createek", "CreatePrimary", "902", "TPM_NO_ROOM"],
    ["tpm2_activatecredential", "ActivateCredential", "1df", "TPM_CHALLENGE_REFUSED"],
    ["tpm2_activatecredential", "ActivateCredential", "101", "TPM_CHALLENGE_REFUSED"],
    // After TPM2_Clear: not the challenge, the key's context is another TPM's.
    ["tpm2_activatecredential", "ContextLoad", "1df", "TPM_COMMAND_FAILED"],
    ["tpm2_createek", "CreatePrimary", "185", "TPM_HIERARCHY_DISABLED"],
    // From the specification: TPM_RC_TYPE, TPM_RC_ASYMMETRIC and TPM_RC_VALUE for parameter 2, the template.
    ["tpm2_createek", "CreatePrimary", "2ca", "TPM_RSA_UNSUPPORTED"],
    ["tpm2_createprimary", "CreatePrimary", "2c1", "TPM_RSA_UNSUPPORTED"],
    ["tpm2_createprimary", "CreatePrimary", "2c4", "TPM_RSA_UNSUPPORTED"],
    ["tpm2_nvread", "NV_Read", "922", "TPM_BUSY"],
    ["tpm2_nvread", "NV_Read", "a000a", "TPM_UNREACHABLE"],
    ["tpm2_nvread", "NV_ReadPublic", "101", "TPM_COMMAND_FAILED"],
  ])("%s: %s answers 0x%s, which is %s", (program, command, number, code) => {
    const stderr = refused(command, number, "words", program);
    const error = toolFailure({ program, tcti: "x" }, { kind: "failed", exitCode: 1, stderr });
    expect(error.code).toBe(code);
    expect(error.response?.code).toBe(Number.parseInt(number, 16));
    expect(error.details["responseCode"]).toBe(Number.parseInt(number, 16));
  });

  it("names the code for people", () => {
    const stderr = refused("CreatePrimary", "9a2", "tpm:session(1):authorization failure", "tpm2_createek");
    const error = toolFailure({ program: "tpm2_createek", tcti: "x" }, { kind: "failed", exitCode: 1, stderr });
    expect(error.message).toBe("tpm2_createek failed with TPM_RC_BAD_AUTH (0x9a2) for session 1");
  });
});

describe("findResponseCode", () => {
  it("takes what ended the tool, not what it shrugged off before", () => {
    // tpm2_nvread -T cmd:cat: the first failure is tolerated.
    const stderr = [
      "WARN: Reading full size of the NV index",
      "ERROR:esys:src/tss2-esys/api/Esys_GetCapability.c:107:Esys_GetCapability() Esys Finish ErrorCode (0x0000017a) ",
      "ERROR: Esys_GetCapability(0x17A) - tpm:0x17A",
      "ERROR:esys:src/tss2-esys/api/Esys_StartAuthSession.c:136:Esys_StartAuthSession() Esys Finish ErrorCode (0x00000176) ",
      "ERROR: Esys_StartAuthSession(0x176) - tpm:0x176",
      "ERROR: Invalid handle authorization.",
      "ERROR: Unable to run tpm2_nvread",
    ].join("\n");
    expect(findResponseCode(stderr)?.code).toBe(0x176);
  });

  it("takes the broken connection, not the complaints that follow from it", () => {
    // tpm2_createprimary, the connection cut in the middle of CreatePrimary.
    const stderr = [
      "WARNING:tcti:src/util/io.c:72:read_all() Attempted read 10 bytes from fd 3, but EOF returned ",
      "ERROR:esys:src/tss2-esys/api/Esys_CreatePrimary.c:135:Esys_CreatePrimary() Esys Finish ErrorCode (0x000a000a) ",
      "ERROR: Esys_CreatePrimary(0xA000A) - tcti:IO failure",
      "ERROR:esys:src/tss2-esys/api/Esys_FlushContext.c:66:Esys_FlushContext() Error in async function ErrorCode (0x00070007) ",
      "ERROR: Esys_FlushContext(0x70007) - esapi:Function called in the wrong order",
      "ERROR: Unable to run tpm2_createprimary",
    ].join("\n");
    expect(findResponseCode(stderr)).toMatchObject({ code: 0xa000a, layer: "transport" });
  });

  it("reads the tool's own line when the library says nothing", () => {
    expect(findResponseCode("ERROR: Esys_NV_Read(0x922) - tpm:warn(2.0): ...\n")?.name).toBe("TPM_RC_RETRY");
  });

  it("answers nothing when there is none", () => {
    expect(findResponseCode("tpm2_nvread: unrecognized option '--frob'\n")).toBeUndefined();
  });
});

describe("a tool that did not answer at all", () => {
  it.each([
    [{ kind: "missing" }, "TPM_TOOLS_MISSING", "environment"],
    [{ kind: "timed-out", timeoutMs: 90_000 }, "TPM_TIMED_OUT", "timeout"],
    [{ kind: "cancelled" }, "TPM_INTERRUPTED", "interrupted"],
    [{ kind: "killed", signal: "SIGINT" }, "TPM_INTERRUPTED", "interrupted"],
    [{ kind: "killed", signal: "SIGSEGV" }, "TPM_COMMAND_FAILED", "tpm"],
    [{ kind: "flooded" }, "TPM_NONSENSE", "nonsense"],
  ] as const)("%o: %s", (outcome, code, failure) => {
    expect(toolFailure(TOOL, outcome)).toMatchObject({ code, failure });
  });

  it("keeps the tool's words where no code is known", () => {
    const stderr = 'ERROR: Could not open file "ak.ctx"\n';
    const error = toolFailure(TOOL, { kind: "failed", exitCode: 1, stderr });
    expect(error).toMatchObject({ code: "TPM_COMMAND_FAILED", details: { exitCode: 1, stderr } });
    expect(error.message).toBe('tpm2_nvread failed: Could not open file "ak.ctx"');
  });

  // As getopt_long of glibc says it, under LC_ALL=C.
  it.each(["invalid option -- 'f'", "unrecognized option '--creation-data=/run/x'"])("is too old: %s", (words) => {
    const stderr = `tpm2_createprimary: ${words}\nRun 'tpm2_createprimary -h' for more options\n`;
    const tool = { program: "tpm2_createprimary", tcti: "device:/dev/tpmrm0" };
    const error = toolFailure(tool, { kind: "failed", exitCode: 1, stderr });
    expect(error).toMatchObject({ code: "TPM_TOOLS_TOO_OLD", failure: "environment", retry: "never" });
    expect(error.message).toBe(`the TPM tools are too old: tpm2_createprimary: ${words}`);
    expect(error.mend).toContain("5.0");
  });

  it("names the package when the tools are missing", () => {
    expect(toolFailure(TOOL, { kind: "missing" }).mend).toContain("apt-get install tpm2-tools");
  });
});
