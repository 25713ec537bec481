import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";

import { aloneWith } from "../../../src/slots/io/alone-with.ts";

let home: string;
let lock: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "alone-with-"));
  lock = join(home, "run/words.lock");
});

afterEach(() => rmSync(home, { recursive: true }));

it("loses no change of two at once that both read before they write", async () => {
  const file = join(home, "number");
  writeFileSync(file, "0");
  const add = (): Promise<void> =>
    aloneWith(lock, async () => {
      const number = Number(readFileSync(file, "utf8"));
      await sleep(5);
      writeFileSync(file, String(number + 1));
    });
  await Promise.all([add(), add(), add(), add()]);
  expect(readFileSync(file, "utf8")).toBe("4");
});

it("gives up on a holder that does not come to an end, and lets go of what fails", async () => {
  const over = Promise.withResolvers<undefined>();
  const holder = aloneWith(lock, () => over.promise);
  await expect(aloneWith(lock, () => Promise.resolve(), 100)).rejects.toMatchObject({
    code: "SLOT_ENVIRONMENT_UNSAVED",
  });
  over.resolve(undefined);
  await holder;
  await expect(aloneWith(lock, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(await aloneWith(lock, () => Promise.resolve("free"))).toBe("free");
  writeFileSync(join(home, "file"), "");
  await expect(aloneWith(join(home, "file/words.lock"), () => Promise.resolve())).rejects.toMatchObject({
    code: "SLOT_ENVIRONMENT_UNSAVED",
  });
});
