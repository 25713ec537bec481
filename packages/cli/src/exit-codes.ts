/** The exit codes of all commands, one for each kind of failure, so that scripts need not read sentences. */
import { isCodedError, type FailureClass } from "@rancheros/protocol/errors";

export interface ExitCode {
  readonly code: number;
  readonly meaning: string;
}

export const SUCCESS: ExitCode = { code: 0, meaning: "done" };

export const EXIT_CODES: Readonly<Record<FailureClass, ExitCode>> = {
  internal: { code: 1, meaning: "a defect of this program: please report it" },
  usage: { code: 2, meaning: "the command line is wrong, or what stands in a file that it names" },
  tpm: { code: 3, meaning: "the TPM refuses or fails" },
  unreachable: { code: 4, meaning: "the other side could not be reached, or the connection broke" },
  refused: {
    code: 5,
    meaning:
      "the other side refuses: a server this machine or a request, its pods a drain; or its certificate is not to be trusted",
  },
  timeout: { code: 6, meaning: "gave up waiting" },
  nonsense: { code: 7, meaning: "the other side or a device answered something that makes no sense" },
  environment: {
    code: 8,
    meaning: "this machine lacks something: a program, a device, a permission, room on the disk, a file that was named",
  },
  busy: { code: 9, meaning: "another process of this machine is at the same work: nothing was done, try again later" },
  interrupted: { code: 130, meaning: "broken off by Ctrl-C or SIGTERM, and cleaned up" },
};

export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[isCodedError(error) ? error.failure : "internal"].code;
}

export function exitCodesInOrder(): readonly ExitCode[] {
  return [SUCCESS, ...Object.values(EXIT_CODES)].sort((one, other) => one.code - other.code);
}

export const EXIT_CODES_TOPIC = "exit-codes";

/** For `ros-agent help exit-codes`. */
export function describeExitCodes(): string {
  const lines = exitCodesInOrder().map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `EXIT CODES\n${lines.join("\n")}\n`;
}
