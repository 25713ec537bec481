/** Reads the bodies of requests: bounded one by one and all together. Their deadline is the listener's requestTimeout. */
import type { IncomingMessage } from "node:http";
import { REQUEST_MAX_BYTES } from "@rancheros/protocol/attestation";
import { createGrowingBytes } from "@rancheros/protocol/bytes";
import { BODY_PARTS_MAX } from "../limits.ts";

/** Of all bodies on their way at one time: a thousand that hang must not fill the memory. */
const ALL_BODIES_MAX_BYTES = 16 * 1024 * 1024;

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
      const body = createGrowingBytes(lengthOf(request) ?? REQUEST_MAX_BYTES);
      let parts = 0;
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
        parts += 1;
        const fits = body.append(part) && parts <= BODY_PARTS_MAX;
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
