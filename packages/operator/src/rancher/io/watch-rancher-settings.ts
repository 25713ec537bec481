/** Follows the settings of Rancher that say how machines reach it, and where images are. Where there is no Rancher, this stays quiet. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { hasCode, isCodedError } from "@rancheros/protocol/errors";
import { readOrNothing, watchResource, type Kubernetes, type WatchHandle } from "../../controller/index.ts";
import type { RancherSettings } from "../server-address.ts";

const PATH = "/apis/management.cattle.io/v3/settings";
const REGISTRY = "system-default-registry";
/** What says where machines go, and which CA they know that by. */
const ADDRESS = ["server-url", "cacerts", "internal-cacerts"];
const NAMES = [...ADDRESS, REGISTRY];

/** Where there is no Rancher, it is looked for this often. */
const ABSENT_DELAY_MS = 30_000;
/** One that begins, or stands behind a proxy that does, and kinds that are made anew, are absent for a moment: so often in a row is meant. */
const BELIEVED_ABSENCES = 3;
const DOUBTED_DELAY_MS = 700;
/** An API server that begins forbids for a moment what it allows: so many refusals in a row, which take some 15 s, are meant. */
const BELIEVED_REFUSALS = 6;

interface Setting extends KubernetesObject {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly text: string;
}

function stringField(holder: object, key: string): string {
  const value: unknown = Reflect.get(holder, key);
  return typeof value === "string" ? value : "";
}

function keep(object: unknown): Setting | undefined {
  if (typeof object !== "object" || object === null || !("metadata" in object)) return undefined;
  const { metadata } = object;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const name = stringField(metadata, "name");
  if (!NAMES.includes(name)) return undefined;
  return {
    metadata: { name, resourceVersion: stringField(metadata, "resourceVersion") },
    text: stringField(object, "value") || stringField(object, "default"),
  };
}

function isForbidden(error: unknown): boolean {
  return isCodedError(error) && hasCode(error, "KUBERNETES_REFUSED") && error.details["httpStatus"] === 403;
}

/** Undefined where there is no such kind, or none for this operator: about that the watch decides, after some answers in a row. */
async function readItems(kubernetes: Kubernetes, path: string): Promise<readonly unknown[] | undefined> {
  let list: unknown;
  try {
    list = await readOrNothing(kubernetes, path);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
  const items: unknown = typeof list === "object" && list !== null ? Reflect.get(list, "items") : undefined;
  return Array.isArray(items) ? items : undefined;
}

/** What is known of one setting: it was read, whether it is there or not; there is no such kind; it is not for this operator. */
type Knowledge = "read" | "absent" | "refused";

export interface RancherWatch extends WatchHandle {
  /** Takes the registry of images as it is now, where the watch may be late. @throws KubernetesError */
  refresh(): Promise<void>;
  /** Whether the registry of images has been read, or is known not to be there for this operator. */
  isKnown(): boolean;
  /** Whether address and CA have been read, or are known not to be there for this operator: one without the other misleads. */
  isAddressKnown(): boolean;
}

/** @param onChange  gets all of them after each change, and when another one is known */
export function watchRancherSettings(
  kubernetes: Kubernetes,
  random: () => number,
  onChange: (settings: RancherSettings) => void,
  onTrouble: (error: unknown) => void,
): RancherWatch {
  const known = new Map<string, Knowledge>();
  const settings = new Map<string, string>();
  const tell = () => onChange(Object.fromEntries(settings));

  async function refresh(): Promise<void> {
    const before = settings.get(REGISTRY);
    const items = await readItems(
      kubernetes,
      `${PATH}?fieldSelector=${encodeURIComponent(`metadata.name=${REGISTRY}`)}`,
    );
    if (items === undefined) return;
    const [setting] = items.flatMap((item) => keep(item) ?? []);
    if (setting?.text === before) return;
    if (setting === undefined) settings.delete(REGISTRY);
    else settings.set(REGISTRY, setting.text);
    tell();
  }

  // One watch each: others of Rancher's settings are none of our business, and no right to read them is needed.
  const watches = NAMES.map((name) => {
    let absences = 0;
    let refusals = 0;
    /** Since it was last read. */
    let wasAbsent = false;
    const isAbsent = (): boolean => absences >= BELIEVED_ABSENCES;
    return watchResource<Setting>(kubernetes, {
      path: PATH,
      fieldSelector: `metadata.name=${name}`,
      keep,
      onChange: (setting) => {
        settings.set(setting.metadata.name, setting.text);
        tell();
      },
      onDelete: (setting) => {
        settings.delete(setting.metadata.name);
        tell();
      },
      onSynced() {
        absences = 0;
        refusals = 0;
        wasAbsent = false;
        known.set(name, "read");
        tell();
      },
      onTrouble(error) {
        // No such kind: there is no Rancher here, which is nobody's trouble. Nor is that the API server makes ready for it.
        const isBusy = hasCode(error, "KUBERNETES_BUSY");
        if (hasCode(error, "KUBERNETES_NOT_FOUND")) {
          absences += 1;
          wasAbsent = true;
        } else {
          if (!isAbsent() || !isBusy) absences = 0;
          if (!wasAbsent || !isBusy) onTrouble(error);
        }
        refusals = isForbidden(error) ? refusals + 1 : 0;
        const isFinal = isAbsent() || refusals >= BELIEVED_REFUSALS;
        const now: Knowledge = isAbsent() ? "absent" : "refused";
        if (!isFinal || known.get(name) === "read" || known.get(name) === now) return;
        known.set(name, now);
        tell();
      },
      random,
      absentDelayMs: () => (isAbsent() ? ABSENT_DELAY_MS : DOUBTED_DELAY_MS),
    });
  });
  return {
    isKnown: () => known.has(REGISTRY),
    isAddressKnown() {
      // Rancher has come meanwhile: whose absence was believed is looked for again within a minute.
      const isThere = [...known.values()].includes("read");
      return ADDRESS.every((name) => known.has(name) && !(isThere && known.get(name) === "absent"));
    },
    refresh,
    quietMs: () => Math.max(...watches.map((watch) => watch.quietMs())),
    async stop() {
      await Promise.all(watches.map(async (watch) => watch.stop()));
    },
  };
}
