/** `ros-agent config`: what it prints, its exit codes, and that no secret stands in any of it. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { errorOf, rosAgent } from "./ros-agent.ts";

const SECRET = "canary-horse-battery";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  return path;
}

describe("ros-agent config", () => {
  it("validate names each mistake with line and column, and ends with 2", async () => {
    const bad = await file("bad.yaml", `#cloud-config\nhostnam: x\nusers:\n- name: a\n  passwd: ${SECRET}\n`);
    const outcome = await rosAgent(["config", "validate", bad]);
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toContain(
      `${bad}:2:1: warning: there is no key "hostnam"; it is left out. Did you mean hostname?`,
    );
    expect(outcome.stdout).toContain(`${bad}:5:11: error: users[0].passwd has to be a hash`);
    expect(outcome.stdout + outcome.stderr).not.toContain(SECRET);
    const json = await rosAgent(["config", "validate", bad, "--json"]);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      files: [{ file: bad, valid: false, findings: [{ line: 2 }, { line: 5, column: 11, path: "users[0].passwd" }] }],
    });
  });

  it("validate looks at the settings of the installation too, at their places", async () => {
    const text =
      "#cloud-config\nrancherOS:\n  Install:\n    automatic: maybe\n    device_selecter: {type: nvme}\n" +
      "    deviceSelector:\n      type: tape\n    iso-url: x\n  instal: {device: /dev/sda}\n  data: {}\n";
    const bad = await file("install.yaml", text);
    const outcome = await rosAgent(["config", "validate", bad]);
    expect(outcome.stdout.trimEnd().split("\n")).toEqual([
      `${bad}:4:16: error: rancherOS.Install.automatic is neither true nor false`,
      `${bad}:5:5: error: rancherOS.Install.device_selecter is not known here. Did you mean deviceSelector?`,
      `${bad}:7:13: error: rancherOS.Install.deviceSelector.type is none of ssd, hdd, nvme`,
      `${bad}:8:5: warning: rancherOS.Install.iso-url means nothing here: the live system installs itself, or set osImage`,
      `${bad}:9:3: error: rancherOS.instal is not known here. Did you mean install?`,
      `${bad}:10:3: warning: rancherOS.data is not known here`,
    ]);
    expect(outcome.code).toBe(2);
  });

  it("apply leaves a machine as it is where a file is wrong, and with --keep-going applies the others", async () => {
    const bad = await file("bad-2.yaml", "#cloud-config\nhostname:\n\t- a\n");
    const good = await file("good.yaml", "#cloud-config\nwrite_files: [{path: /etc/motd, content: hi}]\n");
    const root = join(folder, "root");
    await mkdir(join(root, "etc"), { recursive: true });
    const flags = ["--root", root, "--run-folder", join(folder, "run"), "--json"];
    const refused = await rosAgent(["config", "apply", bad, good, ...flags]);
    expect(refused.code).toBe(2);
    expect(errorOf(refused)).toMatchObject({
      code: "CLOUD_CONFIG_INVALID",
      message: `${bad}:3:1: error: a tab is used as indentation: YAML wants spaces`,
      details: { line: 3, column: 1 },
    });
    await expect(readFile(join(root, "etc/motd"))).rejects.toThrow("ENOENT");
    const kept = await rosAgent([
      "config",
      "apply",
      bad,
      good,
      join(folder, "none.yaml"),
      "--if-there",
      "--keep-going",
      ...flags,
    ]);
    expect(kept.code).toBe(2);
    expect(await readFile(join(root, "etc/motd"), "utf8")).toBe("hi");
    expect((await rosAgent(["config", "apply", join(folder, "none.yaml"), ...flags])).code).toBe(8);
  });

  it("apply --keep-going passes over names in a folder that cannot be read, and tells of them", async () => {
    const oem = join(folder, "oem");
    const good = await file("oem/50_good.yaml", "#cloud-config\nwrite_files: [{path: /etc/motd, content: hi}]\n");
    await symlink("nowhere", join(oem, "40_dangling.yaml"));
    await mkdir(join(oem, "60_folder.yaml"));
    const root = join(folder, "oem-root");
    await mkdir(join(root, "etc"), { recursive: true });
    const flags = ["--root", root, "--run-folder", join(folder, "run")];
    expect((await rosAgent(["config", "apply", oem, ...flags])).code).toBe(2);
    await expect(readFile(join(root, "etc/motd"))).rejects.toThrow("ENOENT");
    const kept = await rosAgent(["config", "apply", oem, ...flags, "--keep-going"]);
    expect(await readFile(join(root, "etc/motd"), "utf8")).toBe("hi");
    expect(kept.code).toBe(2);
    expect(kept.stderr).toContain(`${join(oem, "40_dangling.yaml")}:1:1: error: the file cannot be read: ENOENT`);
    expect(kept.stderr).toContain(`${join(oem, "60_folder.yaml")}:1:1: error: the file cannot be read: it is no file`);
    expect(kept.stderr).not.toContain(`${good}:`);
  });

  it("apply --keep-going applies the others where the system does not let it read a file, and has failed", async () => {
    const oem = join(folder, "bad-block");
    await file("bad-block/50_good.yaml", "#cloud-config\nwrite_files: [{path: /etc/motd, content: hi}]\n");
    await file("bad-block/60_wrong.yaml", "#cloud-config\nhostname:\n\t- a\n");
    // A file that is there, and of which the first byte cannot be read: EIO.
    await symlink("/proc/self/mem", join(oem, "99_custom.yaml"));
    const root = join(folder, "bad-block-root");
    await mkdir(join(root, "etc"), { recursive: true });
    const flags = ["--root", root, "--run-folder", join(folder, "run"), "--json"];
    const unread = {
      code: "FILES_UNREADABLE",
      message: expect.stringContaining("99_custom.yaml cannot be read: EIO") as string,
    };
    const refused = await rosAgent(["config", "apply", oem, ...flags]);
    expect({ code: refused.code, error: errorOf(refused) }).toMatchObject({ code: 8, error: unread });
    await expect(readFile(join(root, "etc/motd"))).rejects.toThrow("ENOENT");
    const kept = await rosAgent(["config", "apply", oem, ...flags, "--keep-going"]);
    expect({ code: kept.code, error: errorOf(kept) }).toMatchObject({ code: 8, error: unread });
    expect(await readFile(join(root, "etc/motd"), "utf8")).toBe("hi");
    expect((await rosAgent(["config", "validate", oem])).code).toBe(8);
  });

  it("apply passes over names that begin with a dot, such as the lock of an editor", async () => {
    const oem = join(folder, "edited");
    await file("edited/99_custom.yaml", "#cloud-config\nwrite_files: [{path: /etc/motd, content: hi}]\n");
    await symlink("somebody@host.1234:1", join(oem, ".#99_custom.yaml"));
    await file("edited/.99_custom.yaml", "no cloud-config\n");
    const root = join(folder, "edited-root");
    await mkdir(join(root, "etc"), { recursive: true });
    const applied = await rosAgent(["config", "apply", oem, "--root", root, "--run-folder", join(folder, "run")]);
    expect(applied).toMatchObject({ code: 0, stdout: "changed /etc/motd\n" });
  });

  it("apply fails on a file that is named and cannot be read, and on the first hundred of a folder goes no further", async () => {
    const flags = ["--run-folder", join(folder, "run"), "--keep-going", "--root", join(folder, "many-root")];
    await mkdir(join(folder, "many-root/etc"), { recursive: true });
    const odd = join(folder, "odd.yaml");
    await symlink("odd.yaml", odd);
    expect((await rosAgent(["config", "apply", odd, ...flags])).code).toBe(8);
    for (let index = 0; index < 102; index++) {
      const text = `#cloud-config\nwrite_files: [{path: /etc/motd, content: "${index}"}]\n`;
      await file(`many/${String(index).padStart(3, "0")}.yaml`, text);
    }
    const applied = await rosAgent(["config", "apply", join(folder, "many"), ...flags]);
    expect(applied.code).toBe(2);
    expect(applied.stderr).toContain(`${join(folder, "many/100.yaml")}:1:1: error: the folder has more than 100 files`);
    expect(await readFile(join(folder, "many-root/etc/motd"), "utf8")).toBe("99");
  });

  it("show says where each value comes from, and hides secrets until they are asked for", async () => {
    const root = join(folder, "shown");
    await file("shown/oem/99_custom.yaml", `#cloud-config\nrancherd: {role: agent, token: ${SECRET}, labels: [a=b]}\n`);
    await file("shown/etc/rancher/rancherd/config.yaml", "labels: [c=d]\nrol: x\n");
    const shown = await rosAgent(["config", "show", "--origin", "--root", root]);
    expect(shown.code).toBe(0);
    expect(shown.stdout.replaceAll(/ +#/g, " #")).toBe(
      `role: "agent" # /oem/99_custom.yaml\ntoken: "(hidden)" # /oem/99_custom.yaml\nlabels[0]: "a=b" # /oem/99_custom.yaml\n` +
        `labels[1]: "c=d" # /etc/rancher/rancherd/config.yaml\nrol: "x" # /etc/rancher/rancherd/config.yaml\n`,
    );
    expect(shown.stderr).toContain("rancherd knows no key rol; did you mean role?");
    const json = await rosAgent(["config", "show", "--json", "--show-secrets", "--root", root]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      config: { role: "agent", token: SECRET, labels: ["a=b", "c=d"] },
      asksRemote: false,
    });
  });

  it("show hides secrets in arguments, command lines, environments, chart values and URLs", async () => {
    const places = [
      `args: ["--token", "${SECRET}-1"]`,
      `args: ["-c", "k3s agent --token ${SECRET}-2"]`,
      `extraEnv: [{name: ADMIN_PASSWORD, value: ${SECRET}-3}]`,
      `valuesContent: "replicas: 2\\nadminPassword: ${SECRET}-4\\nextraEnv:\\n- name: DB_PASSWORD\\n  value: ${SECRET}-5\\n"`,
      `env: ["PGPASS=${SECRET}-6"]`,
      `etcd-s3-access-key: ${SECRET}-7`,
      `api-key: ${SECRET}-8`,
      `datastore-endpoint: mysql://u:p@${SECRET}-9/w@tcp(h)/k3s`,
    ];
    const root = join(folder, "places");
    await file(
      "places/etc/rancher/rancherd/config.yaml",
      `preInstructions:\n${places.map((place) => `- {image: kept, ${place}}\n`).join("")}`,
    );
    for (const flags of [[], ["--origin"], ["--json"]]) {
      const { code, stdout, stderr } = await rosAgent(["config", "show", ...flags, "--root", root]);
      expect(code).toBe(0);
      expect(stdout.split("kept")).toHaveLength(flags[0] === "--json" ? 17 : 9);
      expect(stdout).toContain("replicas: 2");
      expect((stdout + stderr).match(new RegExp(`${SECRET}-.`, "g"))).toBeNull();
    }
    const all = await rosAgent(["config", "show", "--show-secrets", "--root", root]);
    expect(new Set(all.stdout.match(new RegExp(`${SECRET}-.`, "g"))).size).toBe(9);
  });

  it("has help for its commands of two words, and says so of others", async () => {
    expect((await rosAgent(["help", "config", "apply"])).stdout).toContain("ros-agent config apply FILE");
    expect((await rosAgent(["config", "validate", "--help"])).stdout).toContain("ros-agent config validate");
    const unknown = await rosAgent(["config", "shwo", "--json"]);
    expect(unknown.code).toBe(2);
    expect(errorOf(unknown)).toMatchObject({
      code: "CLI_COMMAND_UNKNOWN",
      message: expect.stringContaining("config shwo") as string,
    });
    expect(String(errorOf(unknown)["mend"])).toContain("config show");
    const bare = await rosAgent(["config", "--json"]);
    expect(bare.code).toBe(2);
    expect(errorOf(bare)).toMatchObject({
      code: "CLI_COMMAND_UNKNOWN",
      mend: "Give one of config apply, config runcmd, config show, config validate; `ros-agent help config` says what they do.",
    });
    const told = await rosAgent(["help", "config"]);
    expect(told.code).toBe(0);
    for (const name of ["apply", "runcmd", "show", "validate"])
      expect(told.stdout).toMatch(new RegExp(`^ {2}config ${name} +[A-Z]`, "m"));
    for (const flag of ["--help", "-h"]) expect(await rosAgent(["config", flag])).toEqual(told);
  });

  it("runcmd has nothing to do where nothing was applied", async () => {
    const outcome = await rosAgent([
      "config",
      "runcmd",
      "--root",
      join(folder, "shown"),
      "--run-folder",
      join(folder, "run"),
      "--json",
    ]);
    expect(outcome.code).toBe(0);
    expect(JSON.parse(outcome.stdout)).toEqual({ ran: 0, failed: 0 });
  });
});
