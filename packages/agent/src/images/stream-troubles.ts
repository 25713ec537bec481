/** Which of the layers that are on their way do not come, and why: known long before anybody gives up. */
import type { ImagePullError } from "./errors.ts";

export interface StreamWatch {
  readonly failed: (error: ImagePullError) => void;
  /** Bytes have come. */
  readonly went: () => void;
}

export class StreamTroubles {
  /** A stream that its caller has left keeps its last trouble: that may be why he did. */
  readonly #last = new Map<symbol, ImagePullError>();

  watch(): StreamWatch {
    const stream = Symbol("stream");
    return {
      failed: (error) => {
        this.#last.delete(stream);
        this.#last.set(stream, error);
      },
      went: () => void this.#last.delete(stream),
    };
  }

  /** @returns undefined where all come that are wanted */
  get newest(): ImagePullError | undefined {
    return [...this.#last.values()].at(-1);
  }
}
