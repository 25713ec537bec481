/** What machines without an operating system are answered: a script for iPXE, and the files that it names. */
import { addAbortSignal, pipeline, type Readable } from "node:stream";
import type { MachineRegistration } from "@rancheros/protocol/resources";
import { orAborted } from "../controller/index.ts";
import { sourceOf, TUNNEL_SOURCE } from "../registration/index.ts";
import type { BootBlob, BootMedia } from "./boot-manifest.ts";
import { bootRouteOf, type BootFile, type BootRoute } from "./boot-route.ts";
import { byteRangeOf } from "./byte-range.ts";
import { checkedStream } from "./checked-stream.ts";
import { BootError } from "./errors.ts";
import { ipxeScript } from "./ipxe-script.ts";
import { Transfers } from "./transfers.ts";

export interface BootRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The Host header. */
  readonly host: string | undefined;
  /** Whether it came over TLS. */
  readonly isTls: boolean;
  readonly range: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Given when nobody is there any more to be answered. */
  readonly signal: AbortSignal;
}

export interface BootAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** undefined: for HEAD, and with 416 */
  readonly body: string | Readable | undefined;
}

/** Boot media that were found at their registry. */
export interface FoundMedia {
  readonly media: BootMedia;
  /** @throws RegistryError */
  open(blob: BootBlob, range: string | undefined, signal: AbortSignal): Promise<OpenedBlob>;
}

export interface OpenedBlob {
  readonly isPart: boolean;
  readonly body: Readable;
}

export interface BootParts {
  /** @throws SessionError OPERATOR_NOT_READY */
  readonly assertReady: () => void;
  /** @throws RegistrationRefusedError */
  readonly look: (token: string, remoteAddress: string | undefined) => MachineRegistration;
  /** @throws BootError BOOT_MEDIA_NOT_SET, BOOT_MEDIA_INVALID; RegistryError */
  readonly find: (registration: MachineRegistration) => Promise<FoundMedia>;
  /** The cloud-config that leads a machine to this registration. */
  readonly configOf: (token: string) => string;
  /** Where machines fetch boot files, such as http://boot.example.com; undefined: as they came. */
  readonly bootUrl: string | undefined;
  /** A clock that never goes back. */
  readonly steadyMs: () => number;
  /** Such as AbortSignal.timeout. */
  readonly lateAfter: (timeoutMs: number) => AbortSignal;
}

export interface BootDesk {
  /** Transfers at this moment. */
  readonly transfers: number;
  /** @throws  CodedErrors of the parts, and BootError */
  answer(request: BootRequest): Promise<BootAnswer | undefined>;
}

/** Who waits until a registry says what its media are: it takes a connection, and little else. */
const MAX_WAITING = 256;
/** The question itself goes on, and is answered to who comes again. */
const WAIT_MS = 20_000;

const TEXT = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
/** RFC 9112 section 3.2: a host, with or without port; nothing that could end a line of the script. */
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Whoever comes through Rancher's tunnel has no address, and a crowd does: that is nobody's share. */
function whoseTransfer(remoteAddress: string | undefined): string | undefined {
  const source = sourceOf(remoteAddress);
  return source === "" || source === TUNNEL_SOURCE ? undefined : source;
}

function madeRoom(): BootError {
  return new BootError("BOOT_BUSY", "it has made room for another machine");
}

/** @throws the signal's reason; RegistryError */
async function openUnlessStopped(
  found: FoundMedia,
  blob: BootBlob,
  range: string | undefined,
  signal: AbortSignal,
): Promise<OpenedBlob> {
  const opening = found.open(blob, range, signal);
  try {
    return await orAborted(opening, signal);
  } catch (error) {
    // It may come all the same, to nobody.
    opening.then(({ body }) => body.destroy()).catch(() => undefined);
    throw error;
  }
}

/** @throws BootError  BOOT_MEDIA_NOT_SET */
export function mediaOf({ metadata, spec: { boot } }: MachineRegistration) {
  const { media, kernelArguments, imagePullSecrets } = boot ?? {};
  if (media !== undefined) return { media, kernelArguments, imagePullSecrets: imagePullSecrets ?? [] };
  const { namespace, name } = metadata;
  throw new BootError("BOOT_MEDIA_NOT_SET", `MachineRegistration ${namespace}/${name} has no spec.boot.media`);
}

export function createBootDesk(parts: BootParts): BootDesk {
  const transfers = new Transfers(parts.steadyMs);
  const waiting = new Transfers(parts.steadyMs, MAX_WAITING);

  async function find({ remoteAddress, signal }: BootRequest, registration: MachineRegistration): Promise<FoundMedia> {
    const stopped = new AbortController();
    const late = parts.lateAfter(WAIT_MS);
    const place = waiting.begin(whoseTransfer(remoteAddress), () => stopped.abort(madeRoom()));
    try {
      return await orAborted(parts.find(registration), AbortSignal.any([signal, stopped.signal, late]));
    } catch (cause) {
      if (cause !== late.reason) throw cause;
      const message = `the registry has not said within ${WAIT_MS / 1000} s what the boot media are`;
      throw new BootError("BOOT_REGISTRY_SILENT", message, { cause });
    } finally {
      place.end();
    }
  }

  function script(request: BootRequest, { token }: BootRoute, registration: MachineRegistration): BootAnswer {
    const { host, isTls, path } = request;
    const origin = parts.bootUrl ?? `${isTls ? "https" : "http"}://${host ?? ""}`;
    if (parts.bootUrl === undefined && !HOST.test(host ?? "")) return { status: 400, headers: TEXT, body: "no host\n" };
    const prefix = path.slice(0, path.indexOf(`/${token}/`));
    const { kernelArguments } = mediaOf(registration);
    const body = ipxeScript({ base: `${origin}${prefix}/${token}`, kernelArguments });
    return { status: 200, headers: TEXT, body };
  }

  async function file(request: BootRequest, what: BootFile, registration: MachineRegistration): Promise<BootAnswer> {
    const found = await find(request, registration);
    const blob = found.media[what];
    const { digest, sizeBytes } = blob;
    const headers = { "content-type": "application/octet-stream", "accept-ranges": "bytes", etag: `"${digest}"` };
    const range = byteRangeOf(request.range, sizeBytes);
    if (range === "unsatisfiable") {
      return { status: 416, headers: { ...headers, "content-range": `bytes */${sizeBytes}` }, body: undefined };
    }
    if (request.method === "HEAD") {
      return { status: 200, headers: { ...headers, "content-length": String(sizeBytes) }, body: undefined };
    }
    const stopped = new AbortController();
    const transfer = transfers.begin(whoseTransfer(request.remoteAddress), () => stopped.abort(madeRoom()));
    try {
      const asked = range === undefined ? undefined : `bytes=${range.first}-${range.last}`;
      const { isPart, body } = await openUnlessStopped(
        found,
        blob,
        asked,
        AbortSignal.any([request.signal, stopped.signal]),
      );
      const isRange = range !== undefined && isPart;
      const partBytes = isRange ? range.last - range.first + 1 : sizeBytes;
      const expected = { digest: isRange ? undefined : digest, sizeBytes: partBytes };
      const checked = checkedStream(expected, (bytes) => transfer.took(bytes));
      addAbortSignal(stopped.signal, checked);
      // The answer's end tells of a failure: it is cut off.
      pipeline(body, checked, () => undefined);
      checked.once("close", () => transfer.end());
      const length = { "content-length": String(partBytes) };
      if (!isRange) return { status: 200, headers: { ...headers, ...length }, body: checked };
      const content = { "content-range": `bytes ${range.first}-${range.last}/${sizeBytes}` };
      return { status: 206, headers: { ...headers, ...length, ...content }, body: checked };
    } catch (error) {
      transfer.end();
      throw error;
    }
  }

  return {
    get transfers() {
      return transfers.size;
    },
    async answer(request) {
      const route = bootRouteOf(request.path);
      if (route === undefined) return undefined;
      if (request.method !== "GET" && request.method !== "HEAD") {
        return { status: 405, headers: { ...TEXT, allow: "GET, HEAD" }, body: "only GET is served here\n" };
      }
      parts.assertReady();
      const registration = parts.look(route.token, request.remoteAddress);
      if (route.what === "ipxe") return script(request, route, registration);
      if (route.what === "config") return { status: 200, headers: TEXT, body: parts.configOf(route.token) };
      return file(request, route.what, registration);
    },
  };
}
