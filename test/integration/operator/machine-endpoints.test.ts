/** Requests that are none of rancherd's protocol, or not quite: a status, a sentence, and nothing in the API server. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { dial } from "../../machine/visit.ts";
import { listInventories } from "../../operator/objects.ts";
import { useOperator, type UsedOperators } from "../../operator/use-operator.ts";
import { createSoftwareTpm, generateAttestationKey } from "../../software-tpm/index.ts";

const target = inject("controlPlane");
const used: UsedOperators = useOperator(target, "endpoints");
const ak = generateAttestationKey("rsa");
const newTpm = () => createSoftwareTpm({ ak });
const TEN_THOUSAND = Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [key.toString(36), ""]));
let url: string;

beforeAll(async () => {
  url = used.legacyUrl((await used.makeDoor("door")).token);
});

afterAll(async () => {
  expect(await listInventories(target, used.namespace)).toEqual([]);
});

/** Reason codes of the refusals that were logged since. */
function reasons(before: string): readonly string[] {
  const lines = used.operator.log().slice(before.length).trim().split("\n");
  return lines.filter((line) => line !== "").map((line) => (JSON.parse(line) as { reason?: string }).reason ?? "");
}

describe("HTTP that asks for something else", () => {
  it.each(["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("%s is a 405", async (method) => {
    for (const endpoint of [
      url,
      `${used.operator.httpUrl}/v1-rancheros/inventory`,
      `${used.operator.httpUrl}/v1-rancheros/cacerts`,
    ]) {
      const answer = await fetch(endpoint, { method });
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
    }
  });

  it.each([
    "/",
    "/x/cacerts",
    "/v1-rancheros",
    "/v1-rancheros/whatever",
    "/v1-rancheros/inventory/x",
    "/V1-rancheros/inventory",
  ])("%s is a 404, whatever it asks", async (where) => {
    expect((await fetch(used.operator.httpUrl + where)).status).toBe(404);
    expect(await dial({ url: used.operator.httpUrl + where, tpm: newTpm() })).toMatchObject({
      kind: "refused",
      status: 404,
    });
  });

  it("a TPM without websocket is told to upgrade", async () => {
    const answer = await fetch(url, { headers: { Authorization: newTpm().authorization() } });
    expect([answer.status, answer.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });

  it.each([
    ["a megabyte", "A".repeat(1_000_000)],
    ["10,000 keys", Buffer.from(JSON.stringify(TEN_THOUSAND)).toString("base64")],
  ])("SMBIOS of %s is refused before it is read", async (_what, smbios) => {
    const headers = { "X-Cattle-Smbios": smbios };
    // A client that is still writing its megabyte may see the connection break before it reads the answer.
    const result = await dial({ url, tpm: newTpm(), headers }).catch((error: unknown) => error);
    if (result instanceof Error) expect(String(result)).toMatch(/ECONNRESET|EPIPE/);
    else expect(result).toMatchObject({ kind: "refused", status: 431 });
  });
});

describe("no HTTP", () => {
  async function say(text: string): Promise<string> {
    const socket = connect(Number(new URL(used.operator.httpUrl).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(text);
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => {
      answer += part;
    });
    await once(socket, "close");
    return answer;
  }

  it.each([
    ["nonsense", "\u0000\u0001nonsense\r\n\r\n", 400],
    ["two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
    ["a header without end", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(33 * 1024)}\r\n\r\n`, 431],
  ])("%s is answered by a sentence, and logged", async (_what, text, status) => {
    const before = used.operator.log();
    expect(await say(text)).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\n\r\n.+\n$`, "s"));
    expect(reasons(before)).toEqual([status === 431 ? "REQUEST_TOO_LARGE" : "REQUEST_BROKEN"]);
  });
});
