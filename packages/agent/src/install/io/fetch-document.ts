/** A configuration that a setting names: a file on this machine, or a page. */
import { systemCode } from "@rancheros/protocol/errors";

import { readBounded } from "../../files/index.ts";
import { InstallError } from "../errors.ts";

const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 30_000;
const WEB_PAGE = /^\s*<(?:!doctype|html|\?xml)/i;

/** @throws InstallError INSTALL_CONFIG_UNREADABLE, INSTALL_INTERRUPTED */
export async function fetchDocument(place: string, signal: AbortSignal): Promise<string> {
  const url = /^https?:\/\//.test(place) ? URL.parse(place) : null;
  if (url === null) return readDocument(place, signal);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    const body: AsyncIterable<Uint8Array> | null = answer.body;
    for await (const piece of body ?? []) {
      bytes += piece.byteLength;
      if (bytes > MAX_BYTES) throw new Error("it has more than 1 MiB");
      pieces.push(piece);
    }
    const text = Buffer.concat(pieces).toString("utf8");
    // Of a network that wants a log-in first, of a proxy, of a server that starts: it may be another one soon.
    if (text.trim() === "") throw new Error("it is empty");
    if (WEB_PAGE.test(text)) throw new Error("it is a web page");
    return text;
  } catch (cause) {
    if (signal.aborted) throw interrupted(cause);
    throw unreadable(`${url.protocol}//${url.host}`, cause);
  }
}

async function readDocument(path: string, signal: AbortSignal): Promise<string> {
  if (/^[a-z]+:\/\//.test(path)) throw unreadable(path, new Error("only http, https and paths are known"), "never");
  try {
    return (await readBounded(path.replace(/^file:/, ""), MAX_BYTES, { signal })).toString("utf8");
  } catch (cause) {
    if (signal.aborted) throw interrupted(cause);
    throw unreadable(path, cause, "never", "Check the path, and what the live system has there.");
  }
}

function interrupted(cause: unknown): InstallError {
  return new InstallError("INSTALL_INTERRUPTED", "fetching the configuration was broken off", { cause });
}

/** @param place  without path and query of a page, which may hold secrets */
function unreadable(place: string, cause: unknown, retry?: "never", mend?: string): InstallError {
  // Of whatever went wrong fetch itself says that it failed.
  const code = cause instanceof Error ? systemCode(cause.cause) : "";
  const why = cause instanceof Error ? `${cause.message}${code === "" ? "" : ` (${code})`}` : String(cause);
  return new InstallError(
    "INSTALL_CONFIG_UNREADABLE",
    `the configuration at ${place} cannot be ${mend === undefined ? "fetched" : "read"}: ${why}`,
    {
      cause,
      ...(retry === undefined ? {} : { retry }),
      ...(mend === undefined ? {} : { mend }),
    },
  );
}
