/** The pod of a channel of type custom: the container that writes the list, and ours that shows it in its log. */
import { API_GROUP, CHANNEL_LABEL, GROUP_VERSION, type ManagedOSVersionChannel } from "@rancheros/protocol/resources";
import { LIST_MAX_BYTES } from "./channel-list.ts";
import type { PodSource } from "./channel-source.ts";
import { ChannelError } from "./errors.ts";
import { labelValue } from "./object-name.ts";

export const DISPLAY_CONTAINER = "display";
const WORDS_MAX = 300;
/** Of the container that shows the list; what the other one writes belongs to its group. */
const DISPLAY_USER = 65_532;

/** One name a channel: two pods of one channel are never there at once. */
export function podName({ metadata }: ManagedOSVersionChannel): string {
  return labelValue(`versions-${metadata.name}`);
}

/** @param displayImage  the operator's own */
export function channelPod(channel: ManagedOSVersionChannel, source: PodSource, displayImage: string): object {
  const { name, namespace, uid } = channel.metadata;
  const { image, command, args, env, envs, envFrom } = source.options;
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  const volumeMounts = [{ name: "data", mountPath: source.mountPath }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podName(channel),
      namespace,
      labels: { [CHANNEL_LABEL]: labelValue(name), "app.kubernetes.io/managed-by": "rancheros-operator" },
      annotations: { [`${API_GROUP}/generation`]: String(channel.metadata.generation ?? 0) },
      // With the channel it goes, also where no operator is there to take it away.
      ownerReferences: [{ apiVersion: GROUP_VERSION, kind: "ManagedOSVersionChannel", name, uid, controller: true }],
    },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: Math.ceil(source.timeoutMs / 1000),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { fsGroup: DISPLAY_USER },
      imagePullSecrets: source.pullSecrets.map((one) => ({ name: one })),
      volumes: [{ name: "data", emptyDir: { sizeLimit: "64Mi" } }],
      initContainers: [
        {
          name: "list",
          image,
          ...(command === undefined ? {} : { command }),
          ...(args === undefined ? {} : { args }),
          env: env ?? envs ?? [],
          ...(envFrom === undefined ? {} : { envFrom }),
          volumeMounts,
          securityContext,
          // No terminationMessagePolicy: the last lines of its log may have Secrets that it was given, and status, Events and
          // our log would have them then. What it wants told it writes to /dev/termination-log.
          resources: { limits: { cpu: "1", memory: "512Mi" }, requests: { cpu: "10m", memory: "32Mi" } },
        },
      ],
      containers: [
        {
          name: DISPLAY_CONTAINER,
          image: displayImage,
          args: ["display", `--file=${source.outputFile}`],
          volumeMounts: [{ name: "data", mountPath: source.mountPath, readOnly: true }],
          securityContext: {
            ...securityContext,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            runAsUser: DISPLAY_USER,
          },
          // All that it says is ours.
          terminationMessagePolicy: "FallbackToLogsOnError",
          resources: { limits: { cpu: "1", memory: "256Mi" }, requests: { cpu: "10m", memory: "64Mi" } },
        },
      ],
    },
  };
}

/** What the log may have: one byte more than the list tells that it is too long. */
export const LOG_MAX_BYTES = LIST_MAX_BYTES + 1;

function child(holder: unknown, key: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, key) : undefined;
}

function textAt(holder: unknown, key: string): string {
  const value = child(holder, key);
  return typeof value === "string" ? value.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, WORDS_MAX) : "";
}

function listAt(holder: unknown, key: string): readonly unknown[] {
  const value = child(holder, key);
  return Array.isArray(value) ? value : [];
}

/** Waiting for these is of use only where a person mends something: the next attempt looks again. */
const HOPELESS: ReadonlySet<string> = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ImagePullBackOff",
  "InvalidImageName",
  "RunContainerError",
]);

export type PodState =
  { readonly kind: "under way" } | { readonly kind: "done" } | { readonly kind: "failed"; readonly why: string };

function troubleOf(status: unknown): string | undefined {
  for (const container of [...listAt(status, "initContainerStatuses"), ...listAt(status, "containerStatuses")]) {
    const [name, state] = [textAt(container, "name"), child(container, "state")];
    const [waiting, terminated] = [child(state, "waiting"), child(state, "terminated")];
    const reason = textAt(waiting, "reason");
    if (HOPELESS.has(reason)) return `container ${name}: ${reason}: ${textAt(waiting, "message")}`;
    const exitCode = child(terminated, "exitCode");
    if (typeof exitCode === "number" && exitCode !== 0) {
      const words = [textAt(terminated, "reason"), textAt(terminated, "message")].filter((text) => text !== "");
      return `container ${name} ended with ${exitCode}: ${words.join(": ")}`;
    }
  }
  return undefined;
}

/** @param pod  as the API server gives it; anything else is under way */
export function podState(pod: unknown): PodState {
  const status = child(pod, "status");
  const phase = textAt(status, "phase");
  if (phase === "Succeeded") return { kind: "done" };
  const trouble = troubleOf(status);
  if (phase === "Failed")
    return { kind: "failed", why: trouble ?? (textAt(status, "message") || textAt(status, "reason")) };
  return trouble === undefined ? { kind: "under way" } : { kind: "failed", why: trouble };
}

/** What keeps it from beginning, for the message after it was waited for in vain. */
export function podWaitsFor(pod: unknown): string {
  const status = child(pod, "status");
  const conditions = listAt(status, "conditions").filter((one) => textAt(one, "status") === "False");
  const said = conditions.map((one) => textAt(one, "message")).find((text) => text !== "");
  const waiting = [...listAt(status, "initContainerStatuses"), ...listAt(status, "containerStatuses")]
    .map((one) => child(child(one, "state"), "waiting"))
    .map((one) => [textAt(one, "reason"), textAt(one, "message")].filter((text) => text !== "").join(": "))
    .find((text) => text !== "");
  return waiting ?? said ?? `it is ${textAt(status, "phase") || "unknown"}`;
}

/** Whether a pod of that name is the channel's own. */
export function isPodOf(pod: unknown, { metadata }: ManagedOSVersionChannel): boolean {
  return listAt(child(pod, "metadata"), "ownerReferences").some((one) => child(one, "uid") === metadata.uid);
}

/** What the calls of a pod's life are; the API server's errors are thrown through. */
export interface PodCalls {
  /** Undefined where there is none. */
  read(): Promise<unknown>;
  /** @returns it as it is stored. @throws ChannelError CHANNEL_POD_NOT_MADE where the API server does not take it */
  create(pod: object): Promise<unknown>;
  /** Does nothing where there is none. */
  remove(pod: unknown): Promise<void>;
  /** Of the container that shows the list. */
  log(): Promise<Buffer>;
  /** @throws where the signal is aborted */
  sleep(ms: number): Promise<void>;
  steadyMs(): number;
}

const POLL_MS = 2_000;
/** For what the deadline of the pod does not cover: that it is scheduled, and that its end is heard of. */
const SLACK_MS = 30_000;

async function clear(channel: ManagedOSVersionChannel, calls: PodCalls): Promise<void> {
  const untilMs = calls.steadyMs() + SLACK_MS;
  for (;;) {
    const pod = await calls.read();
    if (pod === undefined) return;
    if (!isPodOf(pod, channel)) {
      throw new ChannelError("CHANNEL_POD_NOT_MADE", `there is a pod ${podName(channel)} that is not the channel's`);
    }
    await calls.remove(pod);
    if (calls.steadyMs() > untilMs) {
      throw new ChannelError(
        "CHANNEL_POD_NOT_MADE",
        `the pod ${podName(channel)} of an earlier attempt does not go away`,
      );
    }
    await calls.sleep(POLL_MS / 4);
  }
}

async function waitFor(channel: ManagedOSVersionChannel, source: PodSource, calls: PodCalls): Promise<void> {
  const untilMs = calls.steadyMs() + source.timeoutMs + SLACK_MS;
  const called = `pod ${podName(channel)}`;
  for (;;) {
    const pod = await calls.read();
    if (pod === undefined) throw new ChannelError("CHANNEL_POD_FAILED", `${called}: somebody has deleted it`);
    const state = podState(pod);
    if (state.kind === "done") return;
    if (state.kind === "failed") throw new ChannelError("CHANNEL_POD_FAILED", `${called}: ${state.why}`);
    if (calls.steadyMs() > untilMs) {
      throw new ChannelError("CHANNEL_POD_TIMEOUT", `${called}: did not end in time: ${podWaitsFor(pod)}`);
    }
    await calls.sleep(POLL_MS);
  }
}

/**
 * Runs it to its end; afterwards it is gone, however it ended. What a killed operator left is taken away first.
 * @returns what it wrote
 * @throws ChannelError, KubernetesError
 */
export async function runChannelPod(
  channel: ManagedOSVersionChannel,
  source: PodSource,
  displayImage: string,
  calls: PodCalls,
): Promise<Buffer> {
  await clear(channel, calls);
  const created = await calls.create(channelPod(channel, source, displayImage));
  try {
    await waitFor(channel, source, calls);
    return await calls.log();
  } finally {
    const pod = await calls.read().catch(() => undefined);
    // A replica that leads now may have made another one. Where that fails the next attempt finds it, or its deadline ends it.
    const isSame = textAt(child(pod, "metadata"), "uid") === textAt(child(created, "metadata"), "uid");
    if (pod !== undefined && isSame) await calls.remove(pod).catch(() => undefined);
  }
}
