/** What of containerd's own API is needed: which things a lease holds, and giving up what is half there. */
import { systemCode } from "@rancheros/protocol/errors";
import { ContainerError } from "../errors.ts";
import type { callContainerd, ContainerdAnswer, ContainerdCall } from "../io/containerd-calls.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { toolFailure } from "../tool-failure.ts";
import { SLOW_TIMEOUT_MS } from "./ctr.ts";

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
}

/** Those of ctr, where nothing is set. Source: containerd defaults_unix.go, pkg/namespaces */
const DEFAULT_SOCKET = "/run/containerd/containerd.sock";
const DEFAULT_NAMESPACE = "default";
const NOT_FOUND = 5;

export function containerdApi(runtime: ContainerRuntime, call: typeof callContainerd): ContainerdApi {
  const { socket = DEFAULT_SOCKET, namespace = DEFAULT_NAMESPACE } = runtime;
  async function ask(
    what: string,
    calls: readonly ContainerdCall[],
    signal: AbortSignal,
  ): Promise<readonly ContainerdAnswer[]> {
    const outcome = await call({ socket, namespace, calls, timeoutMs: SLOW_TIMEOUT_MS, signal });
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
        message: Buffer.concat([field(1, lease), field(2, Buffer.concat([field(1, id), field(2, type)]))]),
      }));
      for (const answer of await ask(what, calls, signal)) refuse(what, answer);
    },
    async abortIngests(references, signal) {
      const what = "giving up half-loaded layers";
      const calls = references.map((reference) => ({
        path: "/containerd.services.content.v1.Content/Abort",
        message: field(1, reference),
      }));
      const answers = await ask(what, calls, signal);
      const there = answers.filter((answer) => !(answer.kind === "refused" && answer.status === NOT_FOUND));
      for (const answer of there) refuse(what, answer);
      return there.length;
    },
  };
}

function refuse(what: string, answer: ContainerdAnswer): void {
  if (answer.kind === "ok") return;
  if (answer.kind === "refused") {
    const { status, words } = answer;
    throw new ContainerError("CONTAINER_RUNTIME_FAILED", `${what} failed: ${words}`, { details: { status } });
  }
  throw new ContainerError("CONTAINER_NONSENSE", `${what}: containerd's answer is not understood: ${answer.words}`);
}

/** A field of text, or of a message. Source: protobuf's "Encoding", wire type 2; leases.proto and content.proto of containerd */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
