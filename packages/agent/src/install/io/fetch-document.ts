/** A configuration that a setting names: a file on this machine, or a page. */
import { readBounded } from "../../files/index.ts";
import { InstallError } from "../errors.ts";
import { pageFailure } from "../page-failure.ts";
import { fetchPage, type PageSurroundings } from "./fetch-page.ts";

const MAX_BYTES = 1024 * 1024;
const WEB_PAGE = /^\s*<(?:!doctype|html|\?xml)/i;

/** @throws InstallError INSTALL_CONFIG_UNREADABLE, INSTALL_INTERRUPTED */
export async function fetchDocument(place: string, surroundings: PageSurroundings): Promise<string> {
  const url = /^https?:\/\//.test(place) ? URL.parse(place) : null;
  if (url === null) return readDocument(place, surroundings.signal);
  const text = (await fetchPage(url, surroundings, MAX_BYTES)).toString("utf8");
  const peer = { place: `${url.protocol}//${url.host}`, url, proxy: undefined };
  // Of a network that wants a log-in first, of a proxy, of a server that starts: it may be another one soon.
  if (text.trim() === "") throw pageFailure(new Error("it is empty"), peer);
  if (WEB_PAGE.test(text)) throw pageFailure(new Error("it is a web page"), peer);
  return text;
}

async function readDocument(path: string, signal: AbortSignal): Promise<string> {
  if (/^[a-z]+:\/\//.test(path)) throw unreadable(path, new Error("only http, https and paths are known"));
  try {
    return (await readBounded(path.replace(/^file:/, ""), MAX_BYTES, { signal })).toString("utf8");
  } catch (cause) {
    if (signal.aborted)
      throw new InstallError("INSTALL_INTERRUPTED", "reading the configuration was broken off", { cause });
    throw unreadable(path, cause, "Check the path, and what the live system has there.");
  }
}

function unreadable(path: string, cause: unknown, mend?: string): InstallError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const verb = mend === undefined ? "fetched" : "read";
  return new InstallError("INSTALL_CONFIG_UNREADABLE", `the configuration at ${path} cannot be ${verb}: ${why}`, {
    cause,
    retry: "never",
    ...(mend === undefined ? {} : { mend }),
  });
}
