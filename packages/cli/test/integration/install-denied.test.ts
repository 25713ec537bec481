/** What the live system's service does on a machine that is installed, and that its operator does not let in. */
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { writeProtocolRefusal } from "@rancheros/protocol/attestation";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import type { TestDisk } from "../../../../test/disks/index.ts";
import { startSwtpm, type Swtpm } from "../../../../test/swtpm/index.ts";
import { installRegistration } from "../../src/install-registration.ts";
import { gatherSettings } from "../../src/install-settings.ts";
import { openInstallGround, startsSomething } from "./install-ground.ts";
import { startRosAgent } from "./ros-agent.ts";
import { portOf } from "./registration-server.ts";

const TOKEN = "tokentokentoken";
/** It has looked: with --no-restart the machine is not started from its disk. */
const STAYS = "holds a whole installation";

const ground = openInstallGround();
const { home, newDisk, args, install, tree } = ground;
let tpm: Swtpm;
let operator: Server;
let refusal: { readonly status: number; readonly body: Buffer | string };

beforeAll(async () => {
  tree("os");
  tpm = await startSwtpm({ stateFolder: join(home, "tpm"), withEkCertificate: false });
  operator = createServer((_request, answer) => {
    answer.writeHead(refusal.status, { "content-type": "application/json" }).end(refusal.body);
  }).listen(0, "127.0.0.1");
  await once(operator, "listening");
});

afterEach(() => ground.restart());
afterAll(async () => {
  operator.closeAllConnections();
  operator.close();
  await tpm.stop();
  ground.remove();
});

function refused(code: string): typeof refusal {
  return { status: 403, body: writeProtocolRefusal({ code, message: "no", retryAfterSeconds: undefined }) };
}

/** @returns what the service said until it was refused four times, or said the word */
async function service(target: TestDisk, word: string, more: object = {}): Promise<string> {
  const registrationUrl = `http://127.0.0.1:${portOf(operator)}/v1-rancheros/registration/${TOKEN}`;
  const config = join(home, "denied.yaml");
  writeFileSync(
    config,
    JSON.stringify({ rancheros: { install: { automatic: true, installed: "start", registrationUrl, ...more } } }),
  );
  const flags = ["--automatic", "--json", "--allow-http", "--tcti", tpm.tcti, "--source", join(home, "os")];
  const { child, outcome } = startRosAgent(args(target, ...flags, "--config", config));
  let said = "";
  child.stderr?.on("data", (text: Buffer) => {
    said += text.toString();
    if (said.includes(word) || said.split("Registering again").length > 4) child.kill("SIGTERM");
  });
  await outcome;
  return said;
}

it.each(["MACHINE_DENIED", "MACHINE_ELSEWHERE"])(
  "looks whether it may be started from its disk after %s",
  async (code) => {
    const target = newDisk();
    expect((await install(target, "--source", join(home, "os"))).code).toBe(0);
    rmSync(join(home, "disk/work.installed"));
    target.change("ROS_OEM", (oem) => rmSync(join(oem, "grub/installation.json")));
    const before = target.partitions();
    refusal = refused(code);
    expect(await service(target, STAYS)).toContain(STAYS);
    // Whatever it may erase by what it knows without its operator.
    expect(await service(target, "will be erased", { reinstall: true })).not.toMatch(/will be erased|holds a whole/);
    expect(target.partitions()).toEqual(before);
  },
);

it("ends with what it starts from, and asks for that after three refusals in a row", async () => {
  const registrationUrl = `http://127.0.0.1:${portOf(operator)}/v1-rancheros/registration/${TOKEN}`;
  const none = { config: undefined, source: undefined, registries: undefined, device: undefined };
  const more = { "registration-url": registrationUrl, "os-image": undefined, "slot-size": undefined, tcti: tpm.tcti };
  const how = { yes: false, ask: false, automatic: true, "dry-run": false, "power-off": false, "no-restart": true };
  const flags = { ...none, ...more, ...how, "allow-http": true, "work-folder": join(home, "work") };
  const said: string[] = [];
  const surroundings = { environment: {}, signal: new AbortController().signal };
  const run = { flags, surroundings, remark: (text: string) => void said.push(text) };
  const { settings } = await gatherSettings(run, "", undefined);
  const next = { disk: "/dev/sda", entry: "Boot0001" };
  refusal = refused("MACHINE_DENIED");
  const answer = await installRegistration(run, settings, undefined, () => Promise.resolve(next));
  expect(answer).toEqual({ kind: "starts-installed", next });
  expect(said.filter((text) => text.includes("REGISTRATION_DENIED"))).toHaveLength(3);
});

it("installs nothing on a machine that is not installed", async () => {
  const target = newDisk();
  refusal = refused("MACHINE_DENIED");
  expect(await service(target, "will be erased")).not.toContain("will be erased");
  expect(startsSomething(target)).toBe(false);
});

it("waits for an operator that is away, or that says that it is to wait: its answer may say that it is installed anew", async () => {
  const target = newDisk();
  expect((await install(target, "--source", join(home, "os"))).code).toBe(0);
  rmSync(join(home, "disk/work.installed"));
  target.change("ROS_OEM", (oem) => rmSync(join(oem, "grub/installation.json")));
  refusal = { status: 404, body: "default backend\n" };
  expect(await service(target, STAYS)).not.toContain(STAYS);
  refusal = {
    status: 403,
    body: writeProtocolRefusal({ code: "MACHINE_NOT_APPROVED", message: "no", retryAfterSeconds: 1 }),
  };
  expect(await service(target, STAYS)).not.toContain(STAYS);
});
