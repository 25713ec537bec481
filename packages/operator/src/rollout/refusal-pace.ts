/** How long a registry is left alone that has answered, where its answer is another one only when a person mends something. */
import { SignatureError } from "@rancheros/protocol/signatures";
import { RegistryError, type RegistryErrorCode } from "../registry/index.ts";

const LASTING: ReadonlySet<RegistryErrorCode> = new Set([
  "REGISTRY_NONSENSE",
  "REGISTRY_NOT_FOUND",
  "REGISTRY_REFUSED",
]);
/** At the usual pace, for a minute or so: somebody who has mended it at once waits for what comes of it. */
const FIRST_TRIES = 12;
const FIRST_MS = 15_000;
/** Registries count what is asked of them: Docker Hub gives a hundred images in six hours. */
const LONGEST_MS = 300_000;

/** Of one spec. */
export class RefusalPace {
  #refusals = 0;

  /** After each failure. @returns milliseconds; 0 where the usual pace will do */
  wantedMs(error: unknown): number {
    const isLasting = error instanceof SignatureError || (error instanceof RegistryError && LASTING.has(error.code));
    if (!isLasting) return 0;
    this.#refusals += 1;
    const later = this.#refusals - FIRST_TRIES - 1;
    return later < 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(later, 10));
  }
}
