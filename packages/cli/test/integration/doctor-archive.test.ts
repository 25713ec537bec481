/** `ros-agent doctor --archive`: canaries in every place where a machine has secrets, and none of them in the archive. */
import { gunzipSync, gzipSync } from "node:zlib";
import { generateKeyPairSync } from "node:crypto";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { readTar, writeGrubEnvironment } from "@rancheros/agent/slots";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { doctor, only, openDoctorGround, type DoctorGround } from "./doctor-ground.ts";
import { canariesIn, plant, type Canary } from "../../../../test/hostile/canary.ts";

let ground: DoctorGround;
let archive: string;
const canaries: Canary[] = [];
/** Of others: this machine does not know them, and only their surroundings give them away. */
const foreign: Canary[] = [];
const keyLines: string[] = [];

/** A secret that is looked for afterwards. */
function secret(name: string): string {
  const canary = plant(name);
  canaries.push(canary);
  return canary.text;
}

function foreignSecret(name: string): string {
  const canary = plant(name);
  foreign.push(canary);
  return canary.text;
}

const b64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

function privateKey(): string {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = key.export({ type: "pkcs8", format: "pem" });
  keyLines.push(...text.split("\n").slice(1, -2));
  return text;
}

async function makeMachine(): Promise<void> {
  const token = secret("registration token");
  const cloudConfig = [
    "#cloud-config",
    "hostname: node-seven",
    "users:",
    `  - {name: root, passwd: "$6$salt$${secret("password hash")}"}`,
    "write_files:",
    `  - {path: /etc/one.conf, content: "first line of it\\npassword ${secret("file content")}\\n"}`,
    `  - {path: /etc/two.conf, encoding: b64, content: ${b64(`API_KEY=${secret("file in base64")}`)}}`,
    `  - {path: /etc/three.conf, encoding: gz+b64, content: ${b64(gzipSync(`key: ${secret("file in gzip")}`))}}`,
    `runcmd: ["curl -u admin:${secret("command line")} https://x.test"]`,
    `wifi: {psk: ${secret("unknown key")}}`,
    "rancheros:",
    "  install:",
    `    registrationURL: https://127.0.0.1:1/v1-rancheros/registration/${token}`,
  ].join("\n");
  await ground.write("oem/99_custom.yaml", cloudConfig);
  await ground.write(
    "var/lib/rancheros-registration/cloud-config.yaml",
    `rancherd: {role: agent, token: ${secret("cluster token")}, server: "https://u:${secret("user in a URL")}@r.test"}\n`,
  );
  await ground.write("etc/rancher/rancherd/config.yaml", `token: ${secret("rancherd token")}\n`);
  await ground.write("etc/rancher/rancherd/config.yaml.d/a.yaml", `password: ${secret("rancherd drop-in")}\n`);
  await ground.write("etc/rancher/k3s/config.yaml", `token: K10${"ab".repeat(32)}::server:${secret("k3s token")}\n`);
  await ground.write(
    "etc/rancher/k3s/registries.yaml",
    `configs: {r.test: {auth: {username: u, password: ${secret("registry")}}}}\n`,
  );
  await ground.write("var/lib/rancher/k3s/server/token", `${secret("server token")}\n`);
  await ground.write("etc/rancher/node/password", secret("node password"));
  await ground.write("etc/shadow", `root:$y$j9T$${secret("shadow")}:1:0:::::\n`);
  await ground.write("etc/ssh/ssh_host_rsa_key", privateKey());
  await ground.write(
    "etc/default/ros-agent",
    `NO_PROXY=127.0.0.1\nHTTPS_PROXY=http://me:${secret("proxy")}@proxy.test:3128\n`,
  );
  const users = [{ name: "u", user: { token: secret("kubeconfig token"), "client-key-data": b64(privateKey()) } }];
  await ground.write("etc/kubernetes/kubelet.conf", JSON.stringify({ users }));
  const plan = {
    cloudConfig: `passwd: ${secret("plan's cloud-config")}`,
    upgrade: { env: { LICENCE: secret("plan's environment") } },
    credentials: [{ registry: "r.test", username: "u", password: secret("plan's registry") }],
  };
  await ground.write("var/lib/rancheros/upgrade.json.broken", JSON.stringify({ run: { order: { plan } } }));
  const digest = `sha256:${"ab".repeat(32)}`;
  const subject = { planId: "ab".repeat(32), image: "os", attempt: 1, isByHand: false, osImage: "r.test/os:2", digest };
  const reason = {
    code: "UPGRADE_CONTAINER_FAILED",
    message: `curl: (22) --token ${secret("message of a container")}`,
  };
  const ended = {
    subject,
    phase: "Failed",
    reason,
    startedMs: 1_780_000_000_000,
    endedMs: 1_780_000_001_000,
    bootId: "b",
  };
  await ground.write(
    "var/lib/rancheros/upgrade.json",
    JSON.stringify({ version: 1, cordon: "none", images: [], history: [ended], failedDigests: [] }),
  );
  await ground.write(
    "proc/cmdline",
    `root=/dev/sda3 rancheros.slot=a rancheros.install.registrationUrl=https://x/${secret("kernel argument")} quiet\n`,
  );
  const words = new Map([
    ["good", "a"],
    ["try", ""],
    ["reset", ""],
    ["extra", `pass=${secret("extra argument")}`],
  ]);
  await writeFile(await ground.write("oem/grub/grubenv", ""), writeGrubEnvironment(words));
  const record = { version: 1, slot: "b", digest, bootId: "b", at: "2026-06-01T00:00:00Z", outcome: "failed" };
  const failures = [`the check x failed: password=${foreignSecret("output of a check")}`];
  await ground.write("var/lib/rancheros/boot-check.json", JSON.stringify({ ...record, failures }));
  const stamp = { version: 1, reference: `r.test/os@${digest}`, digest, writtenAt: "2026-06-01T00:00:00Z", files: 3 };
  await ground.write(".rancheros-slot.json", JSON.stringify(stamp));
  await ground.write("etc/os-release", `ID=debian\nPRETTY_NAME="Debian 13"\nODD=${foreignSecret("os-release")}\n`);
}

/** Longer ones are null without --all. Source: systemd, src/shared/logs-show.c, JSON_THRESHOLD */
const SHORT_FIELD_BYTES = 4096;
const LONG_MESSAGE = `a long line ${"of words ".repeat(600)}with its end`;

/** Everything that is planted, as programs may print it, and headers that only look like secrets. */
async function fakeJournal(): Promise<void> {
  const other = foreignSecret("somebody else's password");
  const lines = [
    "registered with r.test",
    ...canaries.flatMap(({ text }) => [
      `raw ${text} end`,
      `base64 ${b64(text)}`,
      `in base64 ${b64(`x${text}yz`)}`,
      `hex ${Buffer.from(text).toString("hex")}`,
      `json ${JSON.stringify({ a: text })}`,
    ]),
    `Authorization: Bearer ${other}`,
    `login with password=${other}`,
    `https://somebody:${other}@r.test/`,
    ...keyLines.map((line) => `key ${line}`),
    "-----BEGIN PRIVATE KEY-----",
    other,
    "-----END PRIVATE KEY-----",
    LONG_MESSAGE,
    "the last words of the agent",
  ];
  const entriesOf = (messages: readonly (string | null)[]): string => messages.map(entryOf).join("");
  await ground.write("journal-all.json", entriesOf(lines));
  const short = lines.map((line) => (line.length >= SHORT_FIELD_BYTES ? null : line));
  await ground.write("journal.json", entriesOf(short));
  const program = await ground.write(
    "bin/journalctl",
    `#!/bin/sh
case " $* " in *" --unit=ros-agent.service "*) ;; *) exit 0 ;; esac
case " $* " in *" --all "*) exec cat ${ground.root}/journal-all.json ;; esac
exec cat ${ground.root}/journal.json
`,
  );
  await chmod(program, 0o755);
}

function entryOf(MESSAGE: string | null, at: number): string {
  const entry = JSON.stringify({
    MESSAGE,
    PRIORITY: "6",
    SYSLOG_IDENTIFIER: "ros-agent",
    __REALTIME_TIMESTAMP: `178000000000${at % 10}000`,
  });
  return `${entry}\n`;
}

beforeAll(async () => {
  ground = await openDoctorGround();
  await makeMachine();
  await fakeJournal();
  vi.stubEnv("PATH", `${ground.root}/bin:${process.env["PATH"] ?? ""}`);
  vi.stubEnv("REGISTRY_PASSWORD", secret("environment"));
  archive = join(ground.root, "support.tar.gz");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await ground.remove();
});

const FEW = only("operator", "boot-entry", "agent");

async function filesOf(bytes: Buffer): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  for await (const { entry, content } of readTar(Readable.from([gunzipSync(bytes)]))) {
    files[entry.path.slice(1).join("/")] = await textOf(content);
  }
  return files;
}

describe("doctor --archive", () => {
  it("has no secret of the machine in any form, and what support needs", async () => {
    const { REGISTRY_PASSWORD = "" } = process.env;
    await doctor([...ground.flags, "--archive", archive, "--tcti", "device:/dev/none", ...FEW], { REGISTRY_PASSWORD });
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    const bytes = await readFile(archive);
    const tar = gunzipSync(bytes);
    const all = tar.toString("latin1");
    expect(canariesIn(all, [...canaries, ...foreign])).toEqual([]);
    expect(canaries.filter(({ text }) => all.includes(encodeURIComponent(text)))).toEqual([]);
    expect(keyLines.filter((line) => all.includes(line))).toEqual([]);
    // Nothing in it is compressed or encoded once more.
    expect(tar.includes(Buffer.from([0x1f, 0x8b, 0x08]))).toBe(false);
    expect(all).not.toMatch(/[A-Za-z0-9+/]{120,}/);

    const files = await filesOf(bytes);
    expect(Object.keys(files).sort()).toEqual([
      "README.txt",
      "journal/ros-agent.service.txt",
      "kernel-command-line.json",
      "registration.json",
      "report.json",
      "report.txt",
      "services.json",
      "slots.json",
      "upgrades.json",
      "versions.json",
    ]);
    expect(files["journal/ros-agent.service.txt"]).toMatch(
      /ros-agent: registered with r\.test\n.*raw \[removed\] end\n/s,
    );
    expect(files["journal/ros-agent.service.txt"]).toMatch(/with its end\n.*the last words of the agent\n$/);
    expect(files["report.txt"]).toMatch(/^boot entry +warn +slot b was tried in vain/m);
    expect(JSON.parse(files["report.json"] ?? "")).toMatchObject({ ok: false });
    expect(JSON.parse(files["registration.json"] ?? "")).toMatchObject({
      from: "/oem/99_custom.yaml",
      trust: "system",
    });
    expect(JSON.parse(files["upgrades.json"] ?? "")).toMatchObject({
      phase: "Failed",
      history: [{ subject: { osImage: "r.test/os:2" } }],
    });
    expect(JSON.parse(files["slots.json"] ?? "")).toMatchObject({ good: "a", bootCheck: { outcome: "failed" } });
    expect(JSON.parse(files["versions.json"] ?? "")).toMatchObject({ os: { ID: "debian", PRETTY_NAME: "Debian 13" } });
    expect(files["kernel-command-line.json"]).toContain('"rancheros.slot"');
  });

  it("would find them: without the net and the rules they are all there", async () => {
    const journal = await readFile(join(ground.root, "journal.json"), "latin1");
    expect(canariesIn(journal, canaries).length).toBeGreaterThan(20);
  });

  it("leaves the journals out where it cannot know all secrets", async () => {
    await ground.write("etc/rancher/rke2/registries.yaml", "x".repeat(5 * 1024 * 1024));
    await doctor([...ground.flags, "--archive", archive, ...only("smbios")]);
    await ground.write("etc/rancher/rke2/registries.yaml", "");
    const files = await filesOf(await readFile(archive));
    expect(files["journal/LEFT-OUT.txt"]).toContain("rke2/registries.yaml could not be read");
    expect(Object.keys(files).filter((path) => path.startsWith("journal/"))).toEqual(["journal/LEFT-OUT.txt"]);
  });

  it("says why the boot loader's words could not be read", async () => {
    const file = join(ground.root, "oem/grub/grubenv");
    const before = await readFile(file);
    await writeFile(file, "nonsense");
    await doctor([...ground.flags, "--archive", archive, ...only("smbios")]);
    await writeFile(file, before);
    const files = await filesOf(await readFile(archive));
    const slots: unknown = JSON.parse(files["slots.json"] ?? "");
    expect(slots).toMatchObject({
      started: { slot: "a" },
      wordsUnread: expect.stringMatching(/^SLOT_ENVIRONMENT_BROKEN: .*it has 8 bytes/) as unknown,
      bootCheck: { outcome: "failed" },
    });
    expect(slots).not.toHaveProperty("good");
  });

  it("that cannot be saved says so beside the whole report, and leaves nothing behind", async () => {
    for (const place of [join(ground.root, "nowhere/support.tar.gz"), join(ground.root, "oem")]) {
      await expect(doctor([...ground.flags, "--archive", place, ...only("smbios")])).rejects.toMatchObject({
        failure: { code: "DOCTOR_ARCHIVE_UNSAVED" },
        done: { ok: true, checks: [{ check: "smbios", outcome: "ok" }] },
      });
    }
    expect((await readdir(ground.root)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
