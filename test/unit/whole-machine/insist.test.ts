import { expect, it } from "vitest";
import { insist } from "../../whole-machine/insist.ts";

it("tries again what fails, and gives up at once when the machine is to end", async () => {
  const end = new AbortController();
  const gone = new Error("nobody listens there");
  let tries = 0;
  const insisting = insist(() => {
    tries += 1;
    if (tries === 2) end.abort();
    return Promise.reject(gone);
  }, end.signal);
  await expect(insisting).rejects.toBe(gone);
  expect(tries).toBe(2);
});

it("does nothing more after it has worked", async () => {
  let tries = 0;
  await insist(() => {
    tries += 1;
    return tries < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve();
  }, new AbortController().signal);
  expect(tries).toBe(3);
});
