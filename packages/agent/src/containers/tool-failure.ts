/** From the way in which a runtime's program ended to what a person can act on. */
import { ContainerError, type ContainerErrorCode } from "./errors.ts";
import type { ToolOutcome } from "./io/run-tool.ts";

export type ToolFailure = Exclude<ToolOutcome, { readonly kind: "ok" }>;

const LAST_WORDS_CHARACTERS = 600;

/** Looked for in this order, in what the program printed on stderr. Source: messages of ctr 1.6 to 2.4, podman, docker. */
const TELLTALES: readonly (readonly [RegExp, ContainerErrorCode])[] = [
  [/no space left on device|disk quota exceeded/i, "CONTAINER_DISK_FULL"],
  [/unexpected commit digest|digest mismatch|did not match.*digest|invalid checksum digest/i, "CONTAINER_IMAGE_WRONG"],
  // What was loaded before is longer than the layer. The relay sends no other 416.
  [/exceeds expected size|failed size validation|416 Requested Range Not Satisfiable/i, "CONTAINER_IMAGE_WRONG"],
  [/(dial|connect|socket).*permission denied|must be (run as )?root/is, "CONTAINER_PERMISSION"],
  [
    /failed to dial|connection refused|connection error|error reading (from server|server preface)|transport is closing|Cannot connect to the Docker daemon|dial unix|code = Unavailable/i,
    "CONTAINER_RUNTIME_UNREACHABLE",
  ],
  // Runc's words end like those on a missing program.
  [/mounting \\?"|bind source path does not exist|statfs \S+: no such file/i, "CONTAINER_MOUNT_FAILED"],
  [
    /exec: .*(not found|no such file)|stat \S+: no such file or directory: unknown|executable file .*not found|OCI runtime create failed.*exec.*permission denied/is,
    "CONTAINER_COMMAND_MISSING",
  ],
];

/**
 * @param what  the request in words, such as "starting the container ros-agent-upgrade"
 * @returns     the error to throw
 */
export function toolFailure(what: string, failure: ToolFailure): ContainerError {
  if (failure.kind === "failed") return refusal(what, failure.exitCode, lastWords(failure.stderr));
  if (failure.kind === "timed-out") {
    const { timeoutMs } = failure;
    return new ContainerError("CONTAINER_TIMED_OUT", `${what} took longer than ${timeoutMs} ms`, {
      details: { timeoutMs },
    });
  }
  if (failure.kind === "cancelled") return new ContainerError("CONTAINER_INTERRUPTED", `${what} was broken off`);
  if (failure.kind === "missing") {
    const { cause } = failure;
    return new ContainerError("CONTAINER_RUNTIME_MISSING", `${what}: the runtime's program cannot be started`, {
      cause,
    });
  }
  if (failure.kind === "flooded") {
    return new ContainerError("CONTAINER_NONSENSE", `${what}: the runtime's program printed far more than an answer`);
  }
  const message = `${what}: the runtime's program was ended by ${failure.signal}`;
  return new ContainerError("CONTAINER_RUNTIME_FAILED", message);
}

function refusal(what: string, exitCode: number, words: string): ContainerError {
  const code = TELLTALES.find(([telltale]) => telltale.test(words))?.[1] ?? "CONTAINER_RUNTIME_FAILED";
  return new ContainerError(code, `${what} failed: ${words}`, { details: { exitCode } });
}

/** What a program said on stderr, without the warnings of containerd's client. */
export function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^time="[^"]*" level=(warning|info|debug) /.test(line));
  return lines
    .join(" ")
    .replaceAll(/\p{Cc}/gu, "?")
    .slice(-LAST_WORDS_CHARACTERS);
}
