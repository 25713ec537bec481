import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { findFreePort, findPortPair } from "../../control-plane/free-port.ts";

it("gives nobody a port that another one was given and does not listen on yet", async () => {
  const given = await findFreePort();
  const narrow = { lowest: given, beyondHighest: given + 1 };
  await expect(findFreePort(narrow)).rejects.toThrow("found no free port");
  await expect(findPortPair({ lowest: given, beyondHighest: given + 2 })).rejects.toThrow("found no free port");
  await expect(findPortPair({ lowest: given - 1, beyondHighest: given + 1 })).rejects.toThrow("found no free port");
});

it("keeps no port of a pair whose other one is taken", async () => {
  // Where no other test looks.
  const first = await findPortPair({ lowest: 17_000, beyondHighest: 19_000 });
  const taken = createServer().listen(first + 2, "127.0.0.1");
  await once(taken, "listening");
  const next = { lowest: first + 2, beyondHighest: first + 4 };
  await expect(findPortPair(next)).rejects.toThrow("found no free port");
  taken.close();
  await once(taken, "close");
  expect(await findPortPair(next)).toBe(first + 2);
});
