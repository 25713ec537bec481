/** Where the settings of an installation come from, on a real server. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { InstallRun } from "../../src/install-flags.ts";
import { gatherSettings } from "../../src/install-settings.ts";

let folder: string;
let server: Server;
let pages: string[];

/** Answers one page after the other, and the last one from then on. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "install-settings-"));
  server = createServer((_request, answer) => answer.end(pages.length > 1 ? pages.shift() : pages[0]));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function origin(): string {
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

function runWith(config: string, remarks: string[], device?: string): InstallRun {
  const path = join(folder, "config.yaml");
  writeFileSync(path, config);
  const flags = {
    device,
    config: path,
    "registration-url": undefined,
    "os-image": undefined,
    source: undefined,
    "slot-size": undefined,
    yes: false,
    automatic: true,
    ask: false,
    "dry-run": false,
    "power-off": false,
    "no-restart": false,
    "allow-http": false,
    registries: undefined,
    "work-folder": folder,
    tcti: undefined,
  };
  const surroundings = { environment: {}, signal: new AbortController().signal };
  return { flags, surroundings, remark: (text) => void remarks.push(text) };
}

describe("the configuration that configUrl names", () => {
  it.each([
    ["a text", "not found"],
    ["a list", "- a\n"],
    ["half a file", "rancheros: {install: {dev"],
    ["nothing", ""],
  ])("is asked for again where a server answers %s at first", async (_what, page) => {
    pages = [page, "rancheros: {install: {device: /dev/sdx}}"];
    const remarks: string[] = [];
    const run = runWith(`rancheros: {install: {configUrl: "${origin()}/a?token=query-secret"}}`, remarks);
    const { settings } = await gatherSettings(run, "", undefined);
    expect(settings.rule.device).toBe("/dev/sdx");
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toContain(`${origin()} `);
    expect(remarks[0]).not.toContain("secret");
  });

  it("is a page also where its address has no path", async () => {
    pages = ["not found", "rancheros: {install: {device: /dev/sdx}}"];
    const { settings } = await gatherSettings(runWith(`install: {configUrl: "${origin()}"}`, []), "", undefined);
    expect(settings.rule.device).toBe("/dev/sdx");
  });

  it("is the person's mistake where it is a file of the medium that is none", async () => {
    const path = join(folder, "text");
    writeFileSync(path, "not found");
    const run = runWith(`rancheros: {install: {configUrl: "${path}"}}`, []);
    await expect(gatherSettings(run, "", undefined)).rejects.toMatchObject({ code: "CLI_USAGE" });
  });
});

describe("the name of a disk", () => {
  const answer = { rancheros: { install: { deviceSelector: { type: "ssd", maxSize: "500GiB" } } } };

  it("is given by hand only with the flag, whatever the kernel's command line and a file say", async () => {
    const said = "rancheros.install.device=/dev/sda";
    const told = await gatherSettings(runWith("install: {device: /dev/sdb}", []), said, answer);
    expect(told.settings.rule).toMatchObject({ device: "/dev/sda", isByHand: false, maxBytes: 500 * 1024 ** 3 });
    const flagged = await gatherSettings(runWith("{}", [], "/dev/sdc"), said, answer);
    expect(flagged.settings.rule).toMatchObject({ device: "/dev/sdc", isByHand: true });
  });

  it("goes with a selector of which a later place may take a part away", async () => {
    const limited = "install: {device: /dev/sda, deviceSelector: {type: ssd, maxSize: 500GiB}}";
    const more = "rancheros.install.device_selector.max_size=";
    const { settings } = await gatherSettings(runWith(limited, []), more, undefined);
    expect(settings.rule).toMatchObject({ device: "/dev/sda", kind: "ssd", maxBytes: undefined });
  });

  it("adds to what the medium says: its users, its keys and how it joins stay", async () => {
    pages = [
      "{users: [{name: bob}], ssh_authorized_keys: [key-b], rancherd: {role: agent, labels: [c=d]}, hostname: far}",
    ];
    const medium =
      'users: [{name: alice}]\nssh_authorized_keys: [key-a]\nhostname: near\nrancherd: {server: "https://s", token: t, labels: [a=b]}\n';
    const run = runWith(`${medium}rancheros: {install: {configUrl: "${origin()}/b"}}`, []);
    const { document } = await gatherSettings(run, "", undefined);
    expect(document).toMatchObject({
      users: [{ name: "alice" }, { name: "bob" }],
      ssh_authorized_keys: ["key-a", "key-b"],
      hostname: "far",
      rancherd: { server: "https://s", token: "t", role: "agent", labels: ["c=d"] },
    });
  });
});
