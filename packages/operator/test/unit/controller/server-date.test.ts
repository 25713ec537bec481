/** Dates of the API server's answers: which are taken for one, of a real answer as well. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { KubeConfig } from "@kubernetes/client-node";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectKubernetes } from "../../../src/controller/index.ts";
import { parseServerDate } from "../../../src/controller/server-date.ts";

const DATE = "Thu, 26 Nov 2026 14:07:03 GMT";
const DATE_MS = Date.UTC(2026, 10, 26, 14, 7, 3);

describe("a Date header", () => {
  it("is read where it is one", () => {
    expect(parseServerDate(DATE)).toBe(DATE_MS);
    const seconds = fc.integer({ min: Date.UTC(2025) / 1_000, max: Date.UTC(2100) / 1_000 - 1 });
    fc.assert(
      fc.property(seconds, (second) => {
        expect(parseServerDate(new Date(second * 1_000).toUTCString())).toBe(second * 1_000);
      }),
    );
  });

  it.each([
    undefined,
    "",
    "1",
    "0",
    "now",
    "2026-11-26T14:07:03Z",
    "Thu, 26 Nov 2026 14:07:03 +0200",
    "Fri, 26 Nov 2026 14:07:03 GMT",
    "Thu, 26 Nov 2026 14:07:60 GMT",
    "Thursday, 26-Nov-26 14:07:03 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Tue, 31 Dec 2024 23:59:59 GMT",
    "Fri, 01 Jan 2100 00:00:00 GMT",
    `${DATE}, ${DATE}`,
    [DATE, DATE],
    DATE_MS,
  ])("is not believed where it says %j", (header) => {
    expect(parseServerDate(header)).toBeUndefined();
  });

  it("is one or nothing, whatever it says", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.anything()), (header) => {
        const found = parseServerDate(header);
        expect(found === undefined || new Date(found).toUTCString() === header).toBe(true);
      }),
    );
  });
});

describe("what an answer says of the API server's clock", () => {
  let server: Server;
  let answerWith: (response: ServerResponse) => void;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader("date", DATE);
      response.setHeader("content-type", "application/json");
      answerWith(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function datesOf(answer: (response: ServerResponse) => void) {
    answerWith = answer;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    const config = new KubeConfig();
    const cluster = { name: "c", server: `http://127.0.0.1:${address.port}`, skipTLSVerify: true };
    config.loadFromClusterAndUser(cluster, { name: "u" });
    const dates: { readonly serverMs: number; readonly beganMs: number; readonly endedMs: number }[] = [];
    const listener = { onCall: () => undefined, onDate: (one: (typeof dates)[number]) => void dates.push(one) };
    await connectKubernetes(config, listener)
      .send({ method: "GET", path: "/api/v1/nodes" })
      .catch(() => undefined);
    return dates;
  }

  it("is told with the time between question and answer", async () => {
    const beforeMs = performance.now();
    const [date, ...more] = await datesOf((response) => setTimeout(() => response.end("{}"), 150));
    expect(more).toEqual([]);
    expect(date?.serverMs).toBe(DATE_MS);
    expect(date?.beganMs).toBeGreaterThanOrEqual(beforeMs);
    expect((date?.endedMs ?? 0) - (date?.beganMs ?? 0)).toBeGreaterThanOrEqual(140);
    expect(date?.endedMs).toBeLessThanOrEqual(performance.now());
  });

  it.each([404, 409])("is told by a refusal as well: %i", async (status) => {
    const answer = { kind: "Status", code: status };
    const dates = await datesOf((response) => response.writeHead(status).end(JSON.stringify(answer)));
    expect(dates.map(({ serverMs }) => serverMs)).toEqual([DATE_MS]);
  });

  it.each([
    ["a proxy's page", 404, "text/html"],
    ["a proxy that reaches nobody", 503, "application/json"],
  ])("is not told by %s", async (_who, status, type) => {
    expect(await datesOf((response) => response.writeHead(status, { "content-type": type }).end("{}"))).toEqual([]);
  });

  it.each(["1", "Thu, 01 Jan 1970 00:00:00 GMT", ""])("is not told by a date of %j", async (date) => {
    const dates = await datesOf((response) => response.setHeader("date", date).end("{}"));
    expect(dates).toEqual([]);
  });
});
