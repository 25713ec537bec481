/** A secret that this machine knows is taken out whole, whatever the rules that only guess make of the text around it. */
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { packArchive } from "../../../src/doctor/archive/pack-archive.ts";
import { secretNet } from "../../../src/doctor/archive/secret-net.ts";
import { environmentSecrets } from "../../../src/doctor/archive/secret-values.ts";

/** @returns the text of the one file that the archive has */
function archived(secrets: readonly string[], text: string): string {
  const parts = [{ path: "journal.txt", kind: "text", text }] as const;
  const { bytes } = packArchive(parts, { net: secretNet(secrets), folder: "f", nowMs: 0 });
  const tar = gunzipSync(bytes);
  const size = Number.parseInt(tar.toString("latin1", 124, 135), 8);
  return tar.toString("utf8", 512, 512 + size);
}

describe("a secret that is known", () => {
  it.each([
    ["correct horse battery staple", "cfg password=correct horse battery staple end", "cfg password=[removed] end"],
    ["abc,Def456", "token=abc,Def456 end", "token=[removed] end"],
    ["Qq1;rest-of-token", "api_key: Qq1;rest-of-token end", "api_key: [removed] end"],
    ["one&two&three", "password=one&two&three end", "password=[removed] end"],
    ['say "friend" twice', 'secret="say "friend" twice" end', 'secret=[removed]" end'],
    ["schöner Tag, heute", "Grüße: password=schöner Tag, heute – end", "Grüße: password=[removed] – end"],
    ["two words", "login --password two words end", "login --password [removed] end"],
    ["Zm9vYmFy!tail-of-it", "Bearer Zm9vYmFy!tail-of-it end", "Bearer [removed] end"],
  ])("goes whole where the guess ends within it: %j", (secret, text, expected) => {
    expect(archived([secret], text)).toBe(expected);
  });

  it("goes whole out of an address whose password has an @", () => {
    const secrets = environmentSecrets({ HTTPS_PROXY: "http://user:p@ssw0rd-Long77@proxy:3128" });
    const text = "dial http://user:p@ssw0rd-Long77@proxy:3128 refused, password p@ssw0rd-Long77 end";
    expect(archived(secrets, text)).toBe("dial http://[removed]@proxy:3128 refused, password [removed] end");
  });

  it("hides nothing from the guesses, though it is a word that they go by", () => {
    expect(archived(["password", "Bearer"], "password=hunter2hunter2 end")).toBe("[removed]=[removed] end");
    expect(archived(["password", "Bearer"], "Bearer abcdefghijkl end")).toBe("[removed] [removed] end");
  });

  it("is counted once where it is guessed as well", () => {
    const net = secretNet(["hunter2hunter2"]);
    const parts = [{ path: "a.txt", kind: "text", text: "password=hunter2hunter2 and token=somebodyelses" }] as const;
    expect(packArchive(parts, { net, folder: "f", nowMs: 0 }).removed).toBe(1);
  });
});
