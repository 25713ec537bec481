/** A layer that is something else than its digest names, as a mirror may send it: the next attempt asks others first. */
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";

import { ImagePullError } from "../../../src/images/errors.ts";
import { installThrough, type InstallOutside } from "../../../src/install/install-machine.ts";
import { tarFile } from "../slots/tar-file.ts";
import { OPTIONS, WHOLE_SLOT, WORKING } from "./working-machine.ts";

const GOOD = gzipSync(tarFile([]));

interface Outcome {
  readonly error: unknown;
  /** In their order. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/** Far more than is read ahead. */
const FAR = 100;

/**
 * @param senders  who sends the layer, attempt by attempt; the last one goes on: "good", or the name of who sends another
 * @param behind  how many pieces of 64 KiB follow what is bent
 */
async function install(senders: readonly string[], bent = GOOD, behind = FAR): Promise<Outcome> {
  const left = [...senders];
  const done: string[] = [];
  const warnings: string[] = [];
  const layer = {
    name: "layer 1 of 1",
    sizeBytes: GOOD.length,
    async *open(): AsyncGenerator<Buffer> {
      const sender = (left.length > 1 ? left.shift() : left[0]) ?? "";
      yield await Promise.resolve(sender === "good" ? GOOD : bent);
      if (sender === "good") return;
      for (let at = 0; at < behind; at++) yield await setImmediate(Buffer.alloc(64 * 1024));
      throw new ImagePullError("IMAGE_DIGEST_WRONG", `${sender}: is something else`);
    },
  };
  const outside: InstallOutside = {
    ...WORKING,
    wipe: () => Promise.resolve(void done.push("wipe")),
    openSlot: () => ({
      ...WHOLE_SLOT,
      format: () => {
        done.push("slot");
        return WHOLE_SLOT.format();
      },
      close: () => Promise.resolve(void done.push("close")),
    }),
    installBoot: () => Promise.resolve(void done.push("boot")),
  };
  const source = { ...OPTIONS.source, layers: [layer] };
  const onWarning = ({ code, message }: { code: string; message: string }): void =>
    void warnings.push(`${code} ${message}`);
  const error = await installThrough(outside, { ...OPTIONS, source, onWarning }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { error, done, warnings };
}

it("is asked for anew within the same installation, and told", async () => {
  const { error, done, warnings } = await install(["mirror", "good"]);
  expect(error).toBeUndefined();
  expect(done).toEqual(["wipe", "slot", "close", "slot", "close", "boot"]);
  expect(warnings).toEqual(["IMAGE_DIGEST_WRONG mirror: is something else"]);
});

it("is asked for until the same one sends it again", async () => {
  const { error, done } = await install(["one mirror", "another", "registry", "registry"]);
  expect(error).toMatchObject({ code: "IMAGE_DIGEST_WRONG", message: "registry: is something else" });
  expect(done.filter((step) => step === "slot")).toHaveLength(4);
  expect(done).not.toContain("boot");
});

it("ends the installation after a few attempts, whoever sends it", async () => {
  const senders = Array.from({ length: 20 }, (_one, at) => `mirror ${at}`);
  const { error, done } = await install(senders);
  expect(error).toMatchObject({ code: "IMAGE_DIGEST_WRONG" });
  expect(done.filter((step) => step === "slot")).toHaveLength(5);
});

it.each(
  [
    { how: "cannot be decompressed", bent: Buffer.concat([GOOD.subarray(0, 10), Buffer.alloc(200, 0xff)]) },
    { how: "is no archive", bent: gzipSync(Buffer.alloc(2048, "x")) },
    { how: "is no archive, and plain", bent: Buffer.alloc(2048, "x") },
  ].flatMap((one) => [0, 1, 3, FAR].map((behind) => ({ ...one, behind }))),
)("is known as such also where it $how, $behind pieces before its end", async ({ bent, behind }) => {
  const { error, warnings } = await install(["mirror", "good"], bent, behind);
  expect(error).toBeUndefined();
  expect(warnings).toEqual(["IMAGE_DIGEST_WRONG mirror: is something else"]);
});
