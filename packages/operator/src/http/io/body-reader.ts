/** Reads the bodies of requests: bounded one by one and all together. Their deadline is the listener's requestTimeout. */
import type { IncomingMessage } from "node:http";
import { REQUEST_MAX_BYTES } from "@rancheros/protocol/attestation";

/** Of all bodies on their way at one time: a thousand that hang must not fill the memory. */
const ALL_BODIES_MAX_BYTES = 16 * 1024 * 1024;

export interface BodyReader {
  /** The bytes; or that they are too many, now or in all; or that the client went away. */
  read(request: IncomingMessage): Promise<Buffer | "too large" | "broken">;
}

export function createBodyReader(): BodyReader {
  let held = 0;

  function collect(request: IncomingMessage): Promise<Buffer | "too large" | "broken"> {
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let size = 0;
      const finish = (result: Buffer | "too large" | "broken"): void => {
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
        if (size > REQUEST_MAX_BYTES || held > ALL_BODIES_MAX_BYTES) finish("too large");
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
