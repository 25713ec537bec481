/**
 * Whether the API server is still ahead of what a watch has seen. After etcd was restored from a snapshot it is behind, and
 * a watch that goes on from where it was shows nothing, and no error, until as much has been written again.
 */
import { KubernetesError } from "./errors.ts";

/** Where the watch has not broken off, as a restored API server's would, it is looked so seldom. */
const EVERY_MS = 300_000;
const NUMBER = /^[0-9]+$/;

export interface HistoryCheckParts {
  /** The resource version of the whole list as it is now, not as a cache has it. @throws KubernetesError */
  readonly present: () => Promise<string>;
  readonly steadyMs: () => number;
}

export interface HistoryCheck {
  /** The list was read whole. */
  listed(): void;
  /** The connection broke off, or the API server ended it. */
  broke(): void;
  /**
   * Before the watch goes on from there.
   * @throws KubernetesError  KUBERNETES_WENT_BACK where all has to be read anew; and what `present` throws
   */
  assertAhead(resourceVersion: string): Promise<void>;
}

export function createHistoryCheck({ present, steadyMs }: HistoryCheckParts): HistoryCheck {
  let isUnsure = false;
  let sureAtMs = steadyMs();
  const sure = (): void => {
    isUnsure = false;
    sureAtMs = steadyMs();
  };
  return {
    listed: sure,
    broke() {
      isUnsure = true;
    },
    async assertAhead(resourceVersion) {
      if (!isUnsure && steadyMs() - sureAtMs < EVERY_MS) return;
      const now = await present();
      sure();
      // What is no number is not compared.
      if (![now, resourceVersion].every((text) => NUMBER.test(text)) || Number(now) >= Number(resourceVersion)) return;
      const message = `the API server is at version ${now}, and was at ${resourceVersion} before: all is read anew`;
      throw new KubernetesError("KUBERNETES_WENT_BACK", message, { details: { httpStatus: 410 } });
    },
  };
}
