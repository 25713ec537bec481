/** The registry on this machine's loopback, asked by a real client for what an image of somebody else says of itself. */
import { afterEach, expect, it } from "vitest";

import { startRelayServer, type RelayServer } from "../../../src/images/io/relay-server.ts";
import type { RelayAnswer } from "../../../src/images/relay-answer.ts";

const failures: unknown[] = [];
let server: RelayServer | undefined;
afterEach(async () => {
  await server?.close();
  failures.length = 0;
});

/** Answers `/NAME` with what is under that name. */
async function ask(answers: Readonly<Record<string, () => RelayAnswer>>): Promise<(name: string) => Promise<number>> {
  server = await startRelayServer({
    answer: ({ path }) => answers[path.slice(1)]?.() ?? { kind: "status", status: 404 },
    async *blob() {
      yield await Promise.resolve(Buffer.from("blob"));
    },
    onFailure: (error) => failures.push(error),
  });
  const { host } = server;
  return async (name) => (await fetch(`http://${host}/${name}`)).status;
}

function manifest(mediaType: string): RelayAnswer {
  return { kind: "manifest", digest: "sha256:1", mediaType, bytes: Buffer.from("{}") };
}

it("breaks off what it cannot answer, and goes on with others", async () => {
  const get = await ask({
    good: () => manifest("application/json"),
    bent: () => manifest("a\nb"),
    thrown: () => {
      throw new Error("a defect");
    },
  });
  await expect(get("bent")).rejects.toThrow("fetch failed");
  await expect(get("thrown")).rejects.toThrow("fetch failed");
  expect([await get("good"), await get("none")]).toEqual([200, 404]);
  expect(failures).toEqual([
    expect.objectContaining({ code: "ERR_INVALID_CHAR" }),
    expect.objectContaining({ message: "a defect" }),
  ]);
});
