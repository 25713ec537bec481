/** What of containerd's own API is needed: which things a lease holds, giving up what is half there, and how a task ended. */
import { systemCode } from "@rancheros/protocol/errors";
import { ContainerError } from "../errors.ts";
import type { callContainerd, ContainerdAnswer, ContainerdCall } from "../io/containerd-calls.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";
import { QUICK_TIMEOUT_MS, SLOW_TIMEOUT_MS } from "./ctr.ts";
import { decodeFields, encodeField } from "./protobuf-fields.ts";

/** "ingests" are what is half there, by its reference; "content" is what is whole, by its digest. */
export interface LeasedResource {
  readonly type: "content" | "ingests";
  readonly id: string;
}

export interface ContainerdApi {
  /** Also what is not there yet: it is held from the moment when it comes. @throws ContainerError */
  readonly addToLease: (lease: string, resources: readonly LeasedResource[], signal: AbortSignal) => Promise<void>;
  /** Whoever holds them. @returns how many of them there were. @throws ContainerError */
  readonly abortIngests: (references: readonly string[], signal: AbortSignal) => Promise<number>;
  /** Of a container's first process, as often as it is asked. @throws ContainerError */
  readonly task: (container: string) => Promise<TaskLook>;
}

/**
 * "at-work": its processes may do something; also one of which nothing can be told at this moment, such as while it is
 * started. "unknown": its shim is gone, and with it the processes.
 */
export type TaskLook =
  | { readonly kind: "absent" | "created" | "at-work" | "unknown" }
  | { readonly kind: "ended"; readonly exitCode: number };

/** Those of ctr, where nothing is set. Source: containerd defaults_unix.go, pkg/namespaces */
const DEFAULT_SOCKET = "/run/containerd/containerd.sock";
const DEFAULT_NAMESPACE = "default";
/** Source: gRPC's status codes */
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const UNAVAILABLE = 14;
/** Source: containerd api/types/task/task.proto, Status */
const CREATED = 1;
const AT_WORK: ReadonlySet<unknown> = new Set([2, 4, 5]);
const STOPPED = 3;
/** Nothing ends it: an answer that does not come is a failure in the end. */
const NEVER = new AbortController().signal;

export function containerdApi(runtime: ContainerRuntime, call: typeof callContainerd): ContainerdApi {
  const { socket = DEFAULT_SOCKET, namespace = DEFAULT_NAMESPACE } = runtime;
  async function ask(
    what: string,
    calls: readonly ContainerdCall[],
    signal: AbortSignal,
    timeoutMs = SLOW_TIMEOUT_MS,
  ): Promise<readonly ContainerdAnswer[]> {
    const outcome = await call({ socket, namespace, calls, timeoutMs, signal });
    if (outcome.kind === "answered") return outcome.answers;
    if (outcome.kind !== "unreachable") throw toolFailure(what, outcome);
    const { cause } = outcome;
    const isForbidden = systemCode(cause) === "EACCES";
    const code = isForbidden ? "CONTAINER_PERMISSION" : "CONTAINER_RUNTIME_UNREACHABLE";
    throw new ContainerError(code, `${what}: ${socket} cannot be reached`, { cause, details: { socket } });
  }
  return {
    async addToLease(lease, resources, signal) {
      const what = `holding what comes of an image`;
      const calls = resources.map(({ type, id }) => ({
        path: "/containerd.services.leases.v1.Leases/AddResource",
        message: Buffer.concat([
          encodeField(1, lease),
          encodeField(2, Buffer.concat([encodeField(1, id), encodeField(2, type)])),
        ]),
      }));
      for (const answer of await ask(what, calls, signal)) refuse(what, answer);
    },
    async abortIngests(references, signal) {
      const what = "giving up half-loaded layers";
      const calls = references.map((reference) => ({
        path: "/containerd.services.content.v1.Content/Abort",
        message: encodeField(1, reference),
      }));
      const answers = await ask(what, calls, signal);
      const there = answers.filter((answer) => !(answer.kind === "refused" && answer.status === NOT_FOUND));
      for (const answer of there) refuse(what, answer);
      return there.length;
    },
    async task(container) {
      const what = `asking for the task of ${container}`;
      const path = "/containerd.services.tasks.v1.Tasks/Get";
      const calls = [{ path, message: encodeField(1, container) }];
      const [answer] = await ask(what, calls, NEVER, QUICK_TIMEOUT_MS);
      if (answer?.kind === "ok") return taskOf(answer.message);
      if (answer?.kind === "refused" && answer.status === NOT_FOUND) return { kind: "absent" };
      const isBusy = answer?.kind === "refused" && [DEADLINE_EXCEEDED, UNAVAILABLE].includes(answer.status);
      if (isBusy) return { kind: "at-work" };
      throw refusal(what, answer ?? { kind: "nonsense", words: "there is none" });
    },
  };
}

function refuse(what: string, answer: ContainerdAnswer): void {
  if (answer.kind !== "ok") throw refusal(what, answer);
}

function refusal(what: string, answer: Exclude<ContainerdAnswer, { readonly kind: "ok" }>): ContainerError {
  if (answer.kind === "nonsense") {
    return new ContainerError("CONTAINER_NONSENSE", `${what}: containerd's answer is not understood: ${answer.words}`);
  }
  const { status, words } = answer;
  return new ContainerError("CONTAINER_RUNTIME_FAILED", `${what} failed: ${words}`, { details: { status } });
}

/**
 * What is nothing, as an exit code of 0, does not stand in a message.
 * Source: containerd api/services/tasks/v1/tasks.proto, GetResponse; api/types/task/task.proto, Process
 */
function taskOf(message: Buffer): TaskLook {
  const process = decodeFields(message).get(1);
  if (!(process instanceof Buffer)) throw new ContainerError("CONTAINER_NONSENSE", "containerd told of no process");
  const fields = decodeFields(process);
  const status = fields.get(4);
  if (status === CREATED) return { kind: "created" };
  if (AT_WORK.has(status)) return { kind: "at-work" };
  if (status !== STOPPED) return { kind: "unknown" };
  const exitCode = fields.get(9) ?? 0;
  if (typeof exitCode === "number") return { kind: "ended", exitCode };
  throw new ContainerError("CONTAINER_NONSENSE", "containerd told an exit code that is no number");
}
