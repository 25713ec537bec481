/** Reads the bodies of requests: bounded one by one and all together. Their deadline is the listener's requestTimeout. */
import type { IncomingMessage } from "node:http";
import { REQUEST_MAX_BYTES } from "@rancheros/protocol/attestation";

/** Of all bodies on their way at one time: a thousand that hang must not fill the memory. */
const ALL_BODIES_MAX_BYTES = 16 * 1024 * 1024;

/** The bytes; that they are too many; that all requests together have too many; that the client went away. */
export type ReadBody = Buffer | "too large" | "too many" | "broken";

export interface BodyReader {
  read(request: IncomingMessage): Promise<ReadBody>;
}

export function createBodyReader(): BodyReader {
  let held = 0;

  function collect(request: IncomingMessage): Promise<ReadBody> {
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let size = 0;
      const finish = (result: ReadBody): void => {
        request.off("data", onData);
        held -= size;
        size = 0;
        // What still comes is thrown away.
        request.resume();
        resolve(result);
      };
      const onData = (part: Buffer): void => {
        size += part.length;
        held += part.length;
        if (size > REQUEST_MAX_BYTES) finish("too large");
        else if (held > ALL_BODIES_MAX_BYTES) finish("too many");
        else parts.push(part);
      };
      request.on("data", onData);
      request.once("end", () => finish(Buffer.concat(parts)));
      request.once("error", () => finish("broken"));
      request.once("close", () => finish("broken"));
    });
  }

  return {
    read: async (request) =>
      Number(request.headers["content-length"] ?? 0) > REQUEST_MAX_BYTES ? "too large" : collect(request),
  };
}
