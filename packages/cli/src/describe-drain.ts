/** What a drain says while it is under way: in kubectl's words, where kubectl has words for it. */
import { goDuration, type DrainEvent, type DryRun } from "@rancheros/agent/drain";

export interface Said {
  /** tell: what kubectl writes to its standard output; remark: to its standard error. */
  readonly where: "tell" | "remark";
  readonly text: string;
}

const DRY_RUN_WORDS: Readonly<Record<DryRun, string>> = {
  none: "",
  client: " (dry run)",
  server: " (server dry run)",
};

/** @returns undefined where there is nothing to say */
export function describeDrain(event: DrainEvent, dryRun: DryRun): Said | undefined {
  switch (event.kind) {
    case "cordon":
      return tell(cordonText(event.nodeName, { wanted: "cordoned", changed: event.changed, dryRun }));
    case "drained":
      return tell(`node/${event.nodeName} drained${DRY_RUN_WORDS[dryRun]}`);
    case "evicting":
      return tell(`evicting pod ${event.pod.namespace}/${event.pod.name}${DRY_RUN_WORDS[dryRun]}`);
    case "gone":
      return event.how === "absent" ? undefined : tell(`pod/${event.pod.name} ${event.how}`);
    case "not-awaited":
      return tell(`pod "${event.pod.name}" has DeletionTimestamp older than ${event.seconds} seconds, skipping`);
    case "warning":
      return remark(`Warning: ${event.message}`);
    case "blocked": {
      const { name, namespace } = event.pod;
      const words = `error when evicting pods/"${name}" -n "${namespace}" (will retry after ${goDuration(event.retryInMs)})`;
      return remark(`${words}: ${event.message}${event.why === "" ? "" : ` (${event.why})`}`);
    }
    case "namespace-terminating": {
      const { name, namespace } = event.pod;
      const words = `error when evicting pod "${name}" from terminating namespace "${namespace}"`;
      return remark(`${words} (will retry after ${goDuration(event.retryInMs)}): ${event.message}`);
    }
    case "retry":
      return remark(`${event.message}; trying again in ${(event.retryInMs / 1000).toFixed(1)} s`);
    case "waiting":
    case "answered":
    case "failed":
  }
  return undefined;
}

export interface CordonWords {
  readonly wanted: "cordoned" | "uncordoned";
  readonly changed: boolean;
  readonly dryRun: DryRun;
}

export function cordonText(nodeName: string, { wanted, changed, dryRun }: CordonWords): string {
  return `node/${nodeName} ${changed ? "" : "already "}${wanted}${DRY_RUN_WORDS[dryRun]}`;
}

function tell(text: string): Said {
  return { where: "tell", text };
}

function remark(text: string): Said {
  return { where: "remark", text };
}
