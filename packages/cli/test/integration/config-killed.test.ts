/** A cloud-config whose application is killed again and again: afterwards the machine is what it says all the same. */
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";

import { rosAgent, startRosAgent } from "./ros-agent.ts";

const FILES = 40;
const CONFIG = `#cloud-config
hostname: node-1
users: [{name: alice, groups: [wheel], passwd: "$6$saltsalt$abcdefghijklmnop"}, {name: bob}]
write_files:
${Array.from({ length: FILES }, (_value, index) => `- {path: /opt/f${index}, content: "${"x".repeat(index)}", permissions: "0600"}`).join("\n")}
rancherd: {role: server, labels: [a=b]}
runcmd: ["true"]
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "killed-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function machine(name: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, "etc"), { recursive: true });
  await mkdir(join(root, "home"));
  for (const [file, text] of [
    ["passwd", "root:x:0:0:root:/root:/bin/sh\n"],
    ["group", "root:x:0:\n"],
    ["shadow", "root:*:19000:0:99999:7:::\n"],
    ["gshadow", "root:*::\n"],
  ] as const) {
    await writeFile(join(root, "etc", file), text);
    if (file.endsWith("shadow")) await chmod(join(root, "etc", file), 0o600);
  }
  return root;
}

/** Without backups that the account programs keep, and without what depends on the order of numbers. */
async function snapshot(root: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/.test(full)) continue;
    found[full.slice(root.length)] = `${((await stat(full)).mode & 0o777).toString(8)} ${await readFile(full, "utf8")}`;
  }
  return found;
}

it("leaves nothing half done, whenever it is killed", async () => {
  const config = join(folder, "config.yaml");
  await writeFile(config, CONFIG);
  const flags = (root: string): readonly string[] => [
    "config",
    "apply",
    config,
    "--root",
    root,
    "--run-folder",
    `${root}-run`,
    "--json",
  ];
  const clean = await machine("clean");
  const started = performance.now();
  expect((await rosAgent(flags(clean))).code).toBe(0);
  const wholeMs = performance.now() - started;
  const killed = await machine("killed");
  const kills = 8;
  for (let kill = 1; kill <= kills; kill++) {
    const running = startRosAgent(flags(killed));
    await sleep((wholeMs * kill) / (kills + 1));
    running.child.kill("SIGKILL");
    await running.outcome;
    // What is there is whole at any moment.
    const names = await readdir(join(killed, "opt")).catch(() => []);
    for (const name of names.filter((one) => /^f\d+$/.test(one))) {
      expect(await readFile(join(killed, "opt", name), "utf8")).toBe("x".repeat(Number(name.slice(1))));
    }
  }
  const last = await rosAgent(flags(killed));
  expect(last.code, last.stdout).toBe(0);
  expect(await snapshot(killed)).toEqual(await snapshot(clean));
  expect(JSON.parse((await rosAgent(flags(killed))).stdout)).toMatchObject({ changed: [] });
});
