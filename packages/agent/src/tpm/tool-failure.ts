/** From how a TPM tool ended to what that means: one code for each thing that a person would do something else about. */

import { TpmError, type TpmErrorCode } from "./errors.ts";
import type { ToolOutcome } from "./io/tool-process.ts";
import { type ResponseCode, decodeResponseCode, describeResponseCode } from "./response-code.ts";

export interface FailedTool {
  readonly program: string;
  readonly tcti: string;
}

type Failure = Exclude<ToolOutcome, { kind: "ok" }>;

const BUSY: ReadonlySet<string> = new Set([
  "TPM_RC_RETRY",
  "TPM_RC_YIELDED",
  "TPM_RC_TESTING",
  "TPM_RC_CANCELED",
  "TPM_RC_NV_RATE",
  "TPM_RC_NV_UNAVAILABLE",
]);
const NO_ROOM: ReadonlySet<string> = new Set([
  "TPM_RC_CONTEXT_GAP",
  "TPM_RC_MEMORY",
  "TPM_RC_OBJECT_HANDLES",
  "TPM_RC_OBJECT_MEMORY",
  "TPM_RC_SESSION_HANDLES",
  "TPM_RC_SESSION_MEMORY",
  "TPM_RC_TOO_MANY_CONTEXTS",
]);
/** What a TPM answers to an RSA-2048 template that it cannot make a key from. */
const NO_SUCH_KEY: ReadonlySet<string> = new Set([
  "TPM_RC_ASYMMETRIC",
  "TPM_RC_KEY_SIZE",
  "TPM_RC_TYPE",
  "TPM_RC_VALUE",
]);
const MAKES_RSA_KEYS: ReadonlySet<string> = new Set(["tpm2_createek", "tpm2_createprimary"]);

const BY_NAME: Readonly<Record<string, TpmErrorCode>> = {
  TPM_RC_AUTH_FAIL: "TPM_AUTHORISATION_SET",
  TPM_RC_BAD_AUTH: "TPM_AUTHORISATION_SET",
  TPM_RC_HIERARCHY: "TPM_HIERARCHY_DISABLED",
  TPM_RC_LOCKOUT: "TPM_LOCKOUT",
};

const STOP_SIGNALS: ReadonlySet<string> = new Set(["SIGHUP", "SIGINT", "SIGTERM"]);

/** Of glibc's and musl's getopt. */
const UNKNOWN_OPTION = /^tpm2_\w+: (?:invalid|unrecognized) option\b.{0,100}/m;

const STDERR_TAIL_CHARACTERS = 600;

/** @returns the error to throw for a tool that did not end well */
export function toolFailure(tool: FailedTool, outcome: Failure): TpmError {
  const { program } = tool;
  const details = { program };
  if (outcome.kind === "failed") return refusal(tool, outcome.exitCode, outcome.stderr);
  if (outcome.kind === "missing") {
    return new TpmError("TPM_TOOLS_MISSING", `the program ${program} cannot be started`, { details });
  }
  if (outcome.kind === "timed-out") {
    const { timeoutMs } = outcome;
    const message = `${program} did not end within ${String(timeoutMs)} ms`;
    return new TpmError("TPM_TIMED_OUT", message, { details: { program, timeoutMs } });
  }
  if (outcome.kind === "flooded") {
    return new TpmError("TPM_NONSENSE", `${program} printed far more than a TPM can hold`, { details });
  }
  // A terminal sends Ctrl-C to the tool as well, and it can get there before our own abort.
  if (outcome.kind === "cancelled" || STOP_SIGNALS.has(outcome.signal)) {
    return new TpmError("TPM_INTERRUPTED", `${program} was broken off`, { details });
  }
  return new TpmError("TPM_COMMAND_FAILED", `${program} was ended by ${outcome.signal}`, { details });
}

function refusal(tool: FailedTool, exitCode: number, stderr: string): TpmError {
  const { program, tcti } = tool;
  if (stderr.includes("Could not load tcti")) {
    return new TpmError(unopened(stderr), `${program} cannot open the TPM ${tcti}: ${reason(stderr)}`, {
      details: { program, tcti },
    });
  }
  const unknownOption = UNKNOWN_OPTION.exec(stderr)?.[0];
  if (unknownOption !== undefined) {
    return new TpmError("TPM_TOOLS_TOO_OLD", `the TPM tools are too old: ${unknownOption}`, {
      details: { program, exitCode },
    });
  }
  const response = findResponseCode(stderr);
  if (response === undefined) {
    return new TpmError("TPM_COMMAND_FAILED", `${program} failed: ${reason(stderr)}`, {
      details: { program, exitCode, stderr: stderr.slice(-STDERR_TAIL_CHARACTERS) },
    });
  }
  return new TpmError(codeOf(program, response, stderr), `${program} failed with ${describeResponseCode(response)}`, {
    details: { program, exitCode },
    response,
  });
}

/**
 * What ended the tool. The tools try something, shrug, and go on, so the last answer of the TPM counts; but after a broken
 * connection only follow complaints about the consequences.
 */
export function findResponseCode(stderr: string): ResponseCode | undefined {
  const numbers = [...stderr.matchAll(/(?:ErrorCode |^ERROR: \w+)\(0x([0-9a-f]{1,8})\)/gim)].map(
    (match) => match[1] ?? "",
  );
  const codes = numbers.map((number) => decodeResponseCode(Number.parseInt(number, 16)));
  return (
    codes.find(({ layer }) => layer === "transport") ??
    codes.findLast(({ layer }) => layer !== "library") ??
    codes.at(-1)
  );
}

/** Why a TCTI did not come up. The words are those of the C library in English (we set LC_ALL=C) and of tpm2-tss. */
function unopened(stderr: string): TpmErrorCode {
  if (/Permission denied|Operation not permitted/.test(stderr)) return "TPM_PERMISSION";
  if (/Device or resource busy/.test(stderr)) return "TPM_BUSY";
  if (/TCTI device file .*: No such (file|device)/.test(stderr)) return "TPM_DEVICE_MISSING";
  if (/Failed to connect|Cannot connect|does not resolve|Connection refused|Failed to read response/.test(stderr)) {
    return "TPM_UNREACHABLE";
  }
  return "TPM_TCTI_INVALID";
}

function codeOf(program: string, response: ResponseCode, stderr: string): TpmErrorCode {
  const { name, layer, about } = response;
  if (layer === "transport") return "TPM_UNREACHABLE";
  if (BUSY.has(name)) return "TPM_BUSY";
  if (NO_ROOM.has(name)) return "TPM_NO_ROOM";
  // The tool loads the keys first, whose contexts can be none any more: that is not the challenge's fault.
  const isChallenge = program === "tpm2_activatecredential" && /Esys_ActivateCredential\b/.test(stderr);
  if (isChallenge && (about?.part === "parameter" || name === "TPM_RC_FAILURE")) {
    return "TPM_CHALLENGE_REFUSED";
  }
  if (MAKES_RSA_KEYS.has(program) && about?.part === "parameter" && NO_SUCH_KEY.has(name)) return "TPM_RSA_UNSUPPORTED";
  return BY_NAME[name] ?? "TPM_COMMAND_FAILED";
}

/** The tool's own last word before its farewell, without its source file and line. */
function reason(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^(ERROR|WARNING|WARN)(:\S+:\S+:\d+:\S+\(\))?:?\s*/, "").trim())
    .filter(
      (line) =>
        line !== "" &&
        !/^(Unable to run|Could not load tcti|Could not initialize TCTI|Failed to instantiate TCTI)/.test(line),
    );
  return lines.at(-1) ?? lines[0] ?? "it gave no reason";
}
