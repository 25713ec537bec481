/** Says of objects that cannot be read that they cannot, in a condition of theirs; the replica that leads does. */
import { hasCode } from "@rancheros/protocol/errors";
import { createTroubles, errorFields, type Log } from "../../telemetry/index.ts";
import type { Lead } from "../controller-parts.ts";
import {
  conditionsWith,
  UNREADABLE,
  unreadableSentence,
  type Unreadable,
  type UnreadableFinding,
} from "../unreadable.ts";
import { retryAfterMs } from "../retry-after.ts";
import { createWorkQueue } from "../work-queue.ts";
import type { Kubernetes } from "./kubernetes.ts";
import { collectionPath } from "./watch-resource.ts";
import { retryTimer } from "./retry-timer.ts";

const REFUSED_PAUSE_MS = 10 * 60_000;

export interface UnreadableMarksParts {
  readonly lead: Pick<Lead, "isLeader" | "onLeading"> & { readonly kubernetes: Pick<Kubernetes, "send"> };
  readonly log: Log;
  readonly nowMs: () => number;
  /** Of its API group and version, such as /apis/rancheros.cattle.io/v1. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Of the sentence. */
  readonly maxCharacters: number;
  readonly condition: Pick<UnreadableFinding, "type" | "status">;
  /** What else its status is to say. */
  readonly beside?: (sentence: string) => Readonly<Record<string, unknown>>;
  /** In place of the real one. */
  readonly setTimer?: typeof retryTimer;
  /** Told where it begins, and where it is another thing; instead of the log. */
  readonly onNews?: (object: Unreadable, sentence: string) => void;
}

export interface UnreadableMarks {
  /** As the watch shows it. */
  put(object: Unreadable): void;
  /** It is gone, or can be read. */
  delete(key: string): void;
  stop(): void;
}

interface Held {
  readonly object: Unreadable;
  /** Of the generation that was marked: an operator that can read it is not written against. */
  readonly marked: number | undefined;
}

function keyOf({ metadata: { namespace, name } }: Unreadable): string {
  return `${namespace}/${name}`;
}

export function createUnreadableMarks(parts: UnreadableMarksParts): UnreadableMarks {
  const { lead, log, nowMs, group, kind, plural } = parts;
  const held = new Map<string, Held>();
  const troubles = createTroubles(() => performance.now());
  const sentenceOf = (object: Unreadable): string => unreadableSentence(kind, object, parts.maxCharacters);

  function tell(key: string, object: Unreadable): void {
    const error = sentenceOf(object);
    if (!troubles.isNews(key, error)) return;
    if (parts.onNews === undefined) log.warn("an object cannot be read", { object: `${kind} ${key}`, error });
    else parts.onNews(object, error);
  }

  const queue = createWorkQueue({
    async work(key) {
      const found = held.get(key);
      if (found === undefined || !lead.isLeader()) return;
      const { metadata } = found.object;
      const { namespace, name, uid, resourceVersion, generation = 0 } = metadata;
      if (found.marked === generation) return;
      const message = sentenceOf(found.object);
      const conditions = conditionsWith(found.object, { ...parts.condition, reason: UNREADABLE, message }, nowMs());
      if (conditions !== undefined) {
        await lead.kubernetes.send({
          method: "PATCH",
          path: `${collectionPath(group, plural, namespace)}/${name}/status`,
          contentType: "application/merge-patch+json",
          // The resource version: who can read it may have written meanwhile.
          body: { metadata: { uid, resourceVersion }, status: { ...parts.beside?.(message), conditions } },
        });
      }
      const now = held.get(key);
      if (now?.object.metadata.uid === uid) held.set(key, { object: now.object, marked: generation });
    },
    onFailure(key, error) {
      const fields = errorFields(error);
      if (!troubles.isNews(`${key} mark`, fields.error)) return;
      log.warn("an object that cannot be read is not marked", { object: `${kind} ${key}`, ...fields });
    },
    // What stands in it may be nothing that an API server takes beside the mark; it is not asked as if it were busy.
    wantedMs: (error) => (hasCode(error, "KUBERNETES_REFUSED") ? REFUSED_PAUSE_MS : retryAfterMs(error)),
    random: Math.random,
    setTimer: parts.setTimer ?? retryTimer,
  });

  lead.onLeading(() => {
    for (const key of held.keys()) queue.add(key);
  });

  return {
    put(object) {
      const key = keyOf(object);
      const before = held.get(key);
      const isSame = before?.object.metadata.uid === object.metadata.uid;
      held.set(key, { object, marked: isSame ? before?.marked : undefined });
      tell(key, object);
      queue.add(key);
    },
    delete(key) {
      held.delete(key);
      troubles.over(key);
      troubles.over(`${key} mark`);
    },
    stop: () => queue.stop(),
  };
}
