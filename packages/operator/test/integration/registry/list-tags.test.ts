/** The tags of a repository, from servers that say what they like. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { parseImageReference } from "@rancheros/protocol/images";
import {
  startSilentServer,
  startStrangeServer,
  type StrangeServer,
} from "../../../../../test/registry/strange-server.ts";
import {
  createRegistryClient,
  listTags,
  NO_REGISTRY_SETTINGS,
  type RegistryMirrors,
} from "../../../src/registry/index.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns the tags, or the code and sentence of the error */
async function ask(
  host: string,
  mirrors: Readonly<Record<string, RegistryMirrors>> = {},
  deadlineMs = 5_000,
): Promise<readonly string[] | string> {
  const { tags, failure } = await list(host, mirrors, deadlineMs);
  return failure ?? tags;
}

interface Listed {
  readonly tags: readonly string[];
  readonly unheard: string | undefined;
  /** The code and sentence of the error. */
  readonly failure: string | undefined;
}

async function list(
  host: string,
  mirrors: Readonly<Record<string, RegistryMirrors>>,
  deadlineMs = 5_000,
): Promise<Listed> {
  const client = createRegistryClient({ caPem: undefined, environment: {} });
  const settings = {
    ...NO_REGISTRY_SETTINGS,
    mirrors: new Map(Object.entries(mirrors)),
    insecureHosts: new Set([host]),
  };
  try {
    const reference = parseImageReference(`${host}/os`);
    const { tags, unheard } = await listTags(client, reference, { settings, credentials: [], deadlineMs });
    return { tags, unheard: unheard?.code, failure: undefined };
  } catch (error) {
    const failure =
      error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : String(error);
    return { tags: [], unheard: undefined, failure };
  } finally {
    await client.close();
  }
}

async function against(
  listener: Listener,
): Promise<{ readonly found: readonly string[] | string; readonly asked: string[] }> {
  const server = await startStrangeServer(listener);
  try {
    return { found: await ask(server.host), asked: server.requests.map(({ url }) => url ?? "") };
  } finally {
    await server.stop();
  }
}

const tags = (list: unknown): string => JSON.stringify({ name: "os", tags: list });

describe("the tags of a repository", () => {
  it("are read page by page, each once, and without what is no tag", async () => {
    const { found, asked } = await against((request, response) => {
      const isFirst = !request.url?.includes("last=");
      if (isFirst) response.setHeader("link", '</v2/os/tags/list?n=1000&last=v1>; rel="next"');
      response.end(tags(isFirst ? ["v0", "v1"] : ["v1", "v2", "-no", 7, "x".repeat(200)]));
    });
    expect(found).toEqual(["v0", "v1", "v2"]);
    expect(asked).toEqual(["/v2/os/tags/list?n=1000", "/v2/os/tags/list?n=1000&last=v1"]);
  });

  it("go on where another Link stands before, on a line of its own", async () => {
    const { found } = await against((request, response) => {
      const isFirst = !request.url?.includes("last=");
      const links = ["</style.css>; rel=preload; as=style", '</v2/os/tags/list?n=1000&last=v1>; rel="next"'];
      if (isFirst) response.setHeader("link", links);
      response.end(tags([isFirst ? "v1" : "v2"]));
    });
    expect(found).toEqual(["v1", "v2"]);
  });

  it("are none where the registry says null", async () => {
    expect((await against((_, response) => response.end(tags(null)))).found).toEqual([]);
  });

  const next =
    (link: string): Listener =>
    (_, response) =>
      response.setHeader("link", link).end(tags(["v1"]));

  it.each<[string, Listener, RegExp]>([
    ["a page", (_, response) => response.end("<html>"), /^REGISTRY_NONSENSE: .*are no JSON/],
    ["no list", (_, response) => response.end(tags("v1")), /^REGISTRY_NONSENSE: .*are no list/],
    [
      "pages without end",
      (request, response) => {
        const at = Number(new URL(request.url ?? "", "http://x").searchParams.get("last") ?? 0) + 1;
        response.setHeader("link", `</v2/os/tags/list?n=1000&last=${at}>; rel=next`).end(tags([`v${at}`]));
      },
      /^REGISTRY_NONSENSE: .*more than 64 pages/,
    ],
    ["the same page again", next('</v2/os/tags/list?n=1000>; rel="next"'), /^REGISTRY_NONSENSE: .*somewhere else/],
    [
      "a page elsewhere",
      next('<http://127.0.0.1:1/v2/os/tags/list>; rel="next"'),
      /^REGISTRY_NONSENSE: .*somewhere else/,
    ],
    ["a page of another kind", next('</v2/other/tags/list>; rel="next"'), /^REGISTRY_NONSENSE: .*somewhere else/],
    ["more than fits", (_, response) => response.end(tags(["x".repeat(5_000_000)])), /^REGISTRY_NONSENSE: .*more than/],
    ["that there is no such repository", (_, response) => response.writeHead(404).end(), /^REGISTRY_NOT_FOUND: /],
    ["that it is busy", (_, response) => response.writeHead(503).end(), /^REGISTRY_BUSY: /],
  ])("are not taken from a server that gives %s", async (_, listener, sentence) => {
    expect((await against(listener)).found).toMatch(sentence);
  });

  it("are asked of a mirror only where the registry itself does not answer", async () => {
    const mirror = await startStrangeServer((_, response) => response.end(tags(["old"])));
    const registry = await startStrangeServer((_, response) => response.end(tags(["new"])));
    const silent: StrangeServer = await startSilentServer();
    const through = (host: string): Readonly<Record<string, RegistryMirrors>> => ({
      [host]: { urls: [new URL(`http://${mirror.host}`)], upstream: true },
    });
    try {
      const heard = await list(registry.host, through(registry.host));
      expect([heard.tags, heard.unheard]).toEqual([["new"], undefined]);
      const unheard = await list(silent.host, through(silent.host), 1_000);
      expect([unheard.tags, unheard.unheard]).toEqual([["old"], "REGISTRY_TIMEOUT"]);
    } finally {
      await Promise.all([mirror.stop(), registry.stop(), silent.stop()]);
    }
  });

  it("are asked of mirrors in the order in which they are written", async () => {
    const first = await startStrangeServer((_, response) => response.end(tags(["first"])));
    const second = await startStrangeServer((_, response) => response.end(tags(["second"])));
    const silent: StrangeServer = await startSilentServer();
    const urls = [first, second].map(({ host }) => new URL(`http://${host}`));
    const closed = new URL("http://127.0.0.1:1");
    const through = (...to: readonly URL[]) => ({ [silent.host]: { urls: to, upstream: false } });
    try {
      const behind = await list(silent.host, { [silent.host]: { urls, upstream: true } }, 1_500);
      expect([behind.tags, behind.unheard]).toEqual([["first"], "REGISTRY_TIMEOUT"]);
      // Where the registry is not to be asked, the first of its mirrors stands for it.
      const instead = await list(silent.host, through(...urls));
      expect([instead.tags, instead.unheard]).toEqual([["first"], undefined]);
      const fallback = await list(silent.host, through(closed, ...urls));
      expect([fallback.tags, fallback.unheard]).toEqual([["first"], "REGISTRY_UNREACHABLE"]);
    } finally {
      await Promise.all([first.stop(), second.stop(), silent.stop()]);
    }
  });
});
