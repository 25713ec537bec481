/** Reads the bodies of requests: bounded one by one and all together. Their deadline is the listener's requestTimeout. */
import type { IncomingMessage } from "node:http";
import { REQUEST_MAX_BYTES } from "@rancheros/protocol/attestation";
import { BODY_PARTS_MAX } from "../limits.ts";

/** Of all bodies on their way at one time: a thousand that hang must not fill the memory. */
const ALL_BODIES_MAX_BYTES = 16 * 1024 * 1024;
/** Of memory, for one that says no length: it grows from there to twice as much again and again. */
const FIRST_BYTES = 1024;

/** Questions have no body that anybody wants. */
const WITH_BODY: ReadonlySet<string | undefined> = new Set(["POST", "PUT"]);
const NO_BODY = Buffer.alloc(0);

/** The bytes; that they are too many; that all requests together have too many; that the client went away; that nobody wants them. */
export type ReadBody = Buffer | "too large" | "too many" | "broken" | "unwanted";

export interface BodyReader {
  read(request: IncomingMessage): Promise<ReadBody>;
}

function lengthOf({ headers }: Pick<IncomingMessage, "headers">): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

/** Whether more than the headers comes, or has come. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return (lengthOf({ headers }) ?? 0) !== 0 || headers["transfer-encoding"] !== undefined;
}

interface GrowingBody {
  /** Of memory, not of the body. */
  readonly heldBytes: number;
  /** @returns false where it does not fit any more */
  append(part: Buffer): boolean;
  bytes(): Buffer;
}

/** One buffer that is copied into: a part of one byte that is kept costs two hundred. */
function createGrowingBody(maxBytes: number): GrowingBody {
  let buffer = NO_BODY;
  let size = 0;
  let parts = 0;
  return {
    get heldBytes() {
      return buffer.length;
    },
    append(part) {
      parts += 1;
      const needed = size + part.length;
      if (needed > maxBytes || parts > BODY_PARTS_MAX) return false;
      if (needed > buffer.length) {
        // Not of Node's pool: what is small would hold all of that.
        const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(needed, 2 * buffer.length, FIRST_BYTES)));
        buffer.copy(larger, 0, 0, size);
        buffer = larger;
      }
      part.copy(buffer, size);
      size = needed;
      return true;
    },
    bytes: () => buffer.subarray(0, size),
  };
}

/**
 * Where all have too many, the body that was begun first makes room: an honest one is there in a moment, and who holds as
 * much as there may be would keep all others out.
 */
export function createBodyReader(): BodyReader {
  let held = 0;
  /** What ends each of them, in the order in which they were begun. */
  const underWay = new Set<(result: ReadBody) => void>();

  function makeRoom(): void {
    for (const finish of underWay) {
      if (held <= ALL_BODIES_MAX_BYTES) return;
      finish("too many");
    }
  }

  function collect(request: IncomingMessage): Promise<ReadBody> {
    return new Promise((resolve) => {
      const body = createGrowingBody(lengthOf(request) ?? REQUEST_MAX_BYTES);
      const finish = (result: ReadBody): void => {
        if (!underWay.delete(finish)) return;
        request.off("data", onData);
        held -= body.heldBytes;
        // What still comes is thrown away.
        request.resume();
        resolve(result);
      };
      const onData = (part: Buffer): void => {
        held -= body.heldBytes;
        const fits = body.append(part);
        held += body.heldBytes;
        if (!fits) return finish("too large");
        makeRoom();
      };
      underWay.add(finish);
      request.on("data", onData);
      request.once("end", () => finish(body.bytes()));
      request.once("error", () => finish("broken"));
      request.once("close", () => finish("broken"));
    });
  }

  /** Kept, they would be held outside of all bounds for as long as the answer takes. */
  function throwAway(request: IncomingMessage): ReadBody {
    request.resume();
    return hasBody(request) ? "unwanted" : NO_BODY;
  }

  return {
    async read(request) {
      if (!WITH_BODY.has(request.method)) return throwAway(request);
      return (lengthOf(request) ?? 0) > REQUEST_MAX_BYTES ? "too large" : collect(request);
    },
  };
}
