/** `ros-agent register` with servers that refuse, are confused, or mean ill: each ends with its own code. */
import { objectName } from "@rancheros/protocol/tpm";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";

import { CONFIG_MESSAGE, HONEST_PAGES, TOKEN, type Part, type Visit } from "./registration-server.ts";
import { expectFailure, openWorkplace, type Failure, type Workplace } from "./workplace.ts";

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace({ withEkCertificate: true });
});

afterAll(async () => {
  await place.close();
});

beforeEach(() => {
  place.server.play({ pages: HONEST_PAGES });
});

interface Row extends Failure {
  readonly when: string;
  readonly part: Part;
}

/** Says these bytes where the challenge should be. */
function instead(bytes: string | Buffer): Part {
  return {
    visit: async ({ socket }) => {
      socket.send(bytes, { binary: true });
    },
  };
}

const AN_UNREADABLE_BLOB = Buffer.from([0, 4, 1, 2, 3, 4]).toString("base64");

describe("before the websocket", () => {
  const rows: readonly Row[] = [
    {
      when: "the token is unknown (HTTP 401), with the server's sentence",
      part: { refuse: () => ({ status: 401, body: "MachineRegistration does not exist\n" }) },
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      says: "MachineRegistration does not exist",
      details: { status: 401 },
      retry: "never",
    },
    {
      when: "the sentence repeats the token and moves the cursor",
      part: { refuse: () => ({ status: 401, body: `no registration ${TOKEN}\u001B[2J\u0007` }) },
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      says: /^[ -~]+no registration 5c29\.\.\. \[2J$/,
    },
    {
      when: "a page in HTML stands in its place",
      part: { refuse: () => ({ status: 404, body: "<html><body>nginx</body></html>" }) },
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      says: /\(HTTP 404\)$/,
    },
    {
      when: "the server is not ready and says when it will be",
      part: { refuse: () => ({ status: 503, body: "try again\n", headers: { "retry-after": "17" } }) },
      exitCode: 5,
      code: "REGISTRATION_TRY_LATER",
      says: "try again",
      retry: { afterMs: 17_000 },
    },
    {
      when: "a gateway finds no server",
      part: { refuse: () => ({ status: 502, body: "" }) },
      exitCode: 5,
      code: "REGISTRATION_TRY_LATER",
      retry: "backoff",
    },
    {
      when: "the answer is an ordinary page (HTTP 200)",
      part: { refuse: () => ({ status: 200, body: "hello" }) },
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    },
    {
      when: "the server redirects",
      part: { refuse: () => ({ status: 302, body: "", headers: { location: `https://elsewhere.test/${TOKEN}` } }) },
      exitCode: 5,
      code: "REGISTRATION_REDIRECTED",
      says: "https://elsewhere.test",
    },
    {
      when: "the upgrade is answered with the wrong key",
      part: { refuse: () => ({ status: 101, body: "", headers: { upgrade: "websocket", connection: "upgrade" } }) },
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    },
    {
      when: "the headers are too large even with little SMBIOS",
      part: { refuse: () => ({ status: 431, body: "" }) },
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      details: { status: 431 },
    },
  ];
  it.each(rows)("$when", async ({ part, ...failure }) => {
    place.server.play(part);
    await expectFailure(place, [place.url, ...place.usual], failure);
  });
});

describe("in place of the challenge", () => {
  const rows: readonly Row[] = [
    {
      when: "no JSON",
      part: instead("go away"),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
      details: { step: "challenge" },
    },
    { when: "other JSON", part: instead('{"EC":{}}'), exitCode: 7, code: "REGISTRATION_NONSENSE" },
    {
      when: "bytes that are no credential",
      part: instead(JSON.stringify({ EC: { Credential: "AAAA", Secret: "AAAA" } })),
      exitCode: 7,
      code: "TPM_CHALLENGE_MALFORMED",
    },
    {
      when: "a credential of zeros",
      part: instead(JSON.stringify({ EC: { Credential: AN_UNREADABLE_BLOB, Secret: AN_UNREADABLE_BLOB } })),
      exitCode: 7,
      code: "REGISTRATION_CHALLENGE_NOT_OURS",
    },
    {
      when: "a message of 1 MB",
      part: instead(Buffer.alloc(1_000_000, 0x20)),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
      says: "larger message",
    },
    {
      when: "a frame that breaks the websocket protocol",
      part: {
        visit: async ({ wire }) => {
          // Reserved bits set, RFC 6455 section 5.2.
          wire.write(Buffer.from([0xf2, 0x01, 0x41]));
        },
      },
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    },
    {
      when: "the end, without good-bye",
      part: { visit: async ({ socket }) => socket.terminate() },
      exitCode: 4,
      code: "REGISTRATION_CLOSED_EARLY",
      details: { step: "challenge", closeCode: 1006 },
      retry: "backoff",
    },
    {
      when: "a normal close",
      part: { visit: async ({ socket }) => socket.close(1000) },
      exitCode: 4,
      code: "REGISTRATION_CLOSED_EARLY",
    },
    {
      when: "a close with a reason",
      part: { visit: async ({ socket }) => socket.close(1008, "this endorsement key is not allowed") },
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      says: "this endorsement key is not allowed",
    },
    {
      when: "a challenge for another attestation key",
      part: {
        visit: async ({ challenge, attestation }) => {
          const name = objectName(attestation.ak.public);
          name.writeUInt8(name.readUInt8(10) ^ 1, 10);
          await challenge(name);
        },
      },
      exitCode: 7,
      code: "REGISTRATION_CHALLENGE_NOT_OURS",
    },
  ];
  it.each(rows)("$when", async ({ part, ...failure }) => {
    place.server.play(part);
    await expectFailure(place, [place.url, ...place.usual], failure);
  });
});

/** Takes the answer without a look at it, and goes on as the test says: `proven` stays empty. */
function afterAnswer(then: (socket: Visit["socket"], wire: Visit["wire"]) => void): Part {
  return {
    visit: async ({ challenge, socket, wire }) => {
      await challenge();
      socket.once("message", () => then(socket, wire));
    },
  };
}

describe("in place of the configuration", () => {
  const rows: readonly Row[] = [
    {
      when: "the end, without good-bye",
      part: afterAnswer((socket) => socket.terminate()),
      exitCode: 4,
      code: "REGISTRATION_CLOSED_EARLY",
      details: { step: "config", closeCode: 1006 },
    },
    {
      when: "half of it, and the end",
      part: afterAnswer((_socket, wire) => {
        // A frame that announces more than follows.
        wire.end(Buffer.from([0x82, 0x7e, 0x10, 0x00, 0x7b]));
      }),
      exitCode: 4,
      code: "REGISTRATION_CLOSED_EARLY",
      details: { step: "config" },
    },
    {
      when: "a refusal",
      part: afterAnswer((socket) => socket.close(1008, "the answer is not the secret")),
      exitCode: 5,
      code: "REGISTRATION_REFUSED",
      says: "the answer is not the secret",
    },
    {
      when: "a request to come back, as with an API server that is gone",
      part: afterAnswer((socket) => socket.close(1013, "the operator cannot reach its API server, try again")),
      exitCode: 5,
      code: "REGISTRATION_TRY_LATER",
      retry: "backoff",
    },
    {
      when: "text",
      part: afterAnswer((socket) => socket.send("cluster not assigned")),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    },
    {
      when: "a list",
      part: afterAnswer((socket) => socket.send("[]")),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
      details: { step: "config" },
    },
    {
      when: "bytes that are no UTF-8",
      part: afterAnswer((socket) => socket.send(Buffer.from([0x7b, 0xff, 0x7d]))),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
    },
    {
      when: "more than a configuration may have",
      part: afterAnswer((socket) => socket.send(CONFIG_MESSAGE.padEnd(64 * 1024 + 1))),
      exitCode: 7,
      code: "REGISTRATION_NONSENSE",
      says: "larger message",
    },
  ];
  it.each(rows)("$when", async ({ part, ...failure }) => {
    place.server.play(part);
    await expectFailure(place, [place.url, ...place.usual], failure);
  });
});
