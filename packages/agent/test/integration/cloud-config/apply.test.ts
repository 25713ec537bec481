/** Applying cloud-configs to a machine's /, with the real useradd, usermod, groupadd and chpasswd. */
import { mkdir, readdir, readlink, rm, stat } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { describeChange } from "../../../src/cloud-config/index.ts";
import { rootFiles } from "../../../src/files/index.ts";
import { machineRoot, type MachineRoot } from "./machine-root.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const HASH = "$6$canarysalt$canaryhashcanaryhash";
const SECRET = "canary-content";
const ALL = `#cloud-config
hostname: node-1
users:
- {name: root, passwd: ${HASH}}
- {name: alice, gecos: Alice A, passwd: ${HASH}, groups: "wheel, docker", ssh_authorized_keys: ["${KEY} one"]}
- {name: svc, system: true, uid: 777, lock_passwd: true}
write_files:
- {path: /opt/a/secret.conf, content: ${SECRET}, permissions: "0640", owner: "alice:docker"}
- {path: /etc/motd, encoding: b64, content: aGVsbG8K}
runcmd: [echo hi]
sysctl: {net.ipv4.ip_forward: 1}
ntp: {servers: [time.example.com]}
timezone: Europe/Berlin
modules: [nvme]
rancherd: {role: server, token: canary-token}
`;

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("a cloud-config", () => {
  it("makes the machine what it says, and a second time changes nothing", async () => {
    const applied = await machine.apply(ALL);
    expect(applied).toMatchObject({ tool: "native", takesEffect: "now", remarks: [], problems: [] });
    const passwd = await machine.text("etc/passwd");
    const [, uid, gid] = /^alice:x:(\d+):(\d+):Alice A:\/home\/alice:\/bin\/bash$/m.exec(passwd) ?? [];
    expect(passwd).toMatch(/^svc:x:777:/m);
    const shadow = await machine.text("etc/shadow");
    expect(shadow).toContain(`root:${HASH}:`);
    expect(shadow).toContain(`alice:${HASH}:`);
    expect(shadow).toMatch(/^svc:!/m);
    const group = await machine.text("etc/group");
    expect(group).toMatch(/^wheel:x:10:alice$/m);
    const [, docker] = /^docker:x:(\d+):alice$/m.exec(group) ?? [];
    expect(await machine.text("home/alice/.ssh/authorized_keys")).toBe(`${KEY} one\n`);
    const ssh = await stat(machine.path("home/alice/.ssh"));
    expect([ssh.mode & 0o777, String(ssh.uid), String(ssh.gid)]).toEqual([0o700, uid, gid]);
    const secret = await stat(machine.path("opt/a/secret.conf"));
    expect([secret.mode & 0o777, String(secret.uid), String(secret.gid)]).toEqual([0o640, uid, docker]);
    expect(await machine.text("etc/motd")).toBe("hello\n");
    expect(await machine.text("etc/hostname")).toBe("node-1\n");
    expect(await machine.text("etc/systemd/timesyncd.conf.d/95-ros-agent.conf")).toContain("NTP=time.example.com\n");
    expect(await machine.text("etc/sysctl.d/95-ros-agent.conf")).toContain("net.ipv4.ip_forward = 1\n");
    expect(await machine.text("etc/modules-load.d/95-ros-agent.conf")).toContain("nvme\n");
    expect(await readlink(machine.path("etc/localtime"))).toBe("../usr/share/zoneinfo/Europe/Berlin");
    expect(await machine.text("etc/rancher/rancherd/config.yaml")).toContain("canary-token");
    expect((await stat(machine.path("etc/rancher/rancherd/config.yaml"))).mode & 0o777).toBe(0o600);
    expect((await stat(machine.path("var/lib/rancheros/runcmd.json"))).mode & 0o777).toBe(0o600);
    const before = await machine.snapshot();
    const again = await machine.apply(ALL);
    expect(again.changes).toEqual([]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("is shown as a diff without secrets by a dry run, which changes nothing", async () => {
    const before = await machine.snapshot();
    const { changes, problems } = await machine.apply(ALL, { dryRun: true });
    expect(problems).toEqual([]);
    const shown = changes.map(describeChange).join("");
    expect(shown).toContain("+++ b/etc/hostname\n@@ -0,0 +1,1 @@\n+node-1\n");
    expect(shown).toContain("+++ b/user alice\n");
    for (const secret of [SECRET, "canary-token", HASH]) expect(shown).not.toContain(secret);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("mends what was changed since, and leaves other keys, groups and members alone", async () => {
    await machine.apply(ALL);
    const own = `${KEY.replace("AAAAIJ", "AAAAIK")} own\n`;
    await machine.put("home/alice/.ssh/authorized_keys", own, 0o600);
    await machine.put("etc/motd", "other\n", 0o600);
    const { changes } = await machine.apply(ALL);
    expect(changes.map(({ subject }) => subject).sort()).toEqual(["/etc/motd", "/home/alice/.ssh/authorized_keys"]);
    expect(await machine.text("home/alice/.ssh/authorized_keys")).toBe(`${own}${KEY} one\n`);
    expect((await stat(machine.path("etc/motd"))).mode & 0o777).toBe(0o644);
    const more = await machine.apply("#cloud-config\nusers: [{name: alice, groups: [audio], gecos: B, uid: 5}]\n");
    expect(more.remarks).toEqual([expect.stringMatching(/^user alice has the uid \d+ already, which stays$/)]);
    expect(await machine.text("etc/group")).toMatch(/^audio:x:\d+:alice$/m);
    expect(await machine.text("etc/group")).toMatch(/^wheel:x:10:alice$/m);
  });

  it("gives a user of two files what both say of it, and takes nothing away that one of them says no more", async () => {
    const other = KEY.replace("AAAAIJ", "AAAAIK");
    const oem = `#cloud-config\nusers:\n- {name: root, passwd: ${HASH}, groups: [wheel], ssh_authorized_keys: ["${KEY}"]}\n`;
    const answer = `#cloud-config\nusers: [{name: root, groups: [audio], ssh_authorized_keys: ["${other}"]}]\n`;
    expect((await machine.applyAll([oem, answer])).problems).toEqual([]);
    expect(await machine.text("root/.ssh/authorized_keys")).toBe(`${KEY}\n${other}\n`);
    expect(await machine.text("etc/shadow")).toContain(`root:${HASH}:`);
    expect(await machine.text("etc/group")).toMatch(/^wheel:x:10:root\n(?:.*\n)*audio:x:\d+:root$/m);
    const before = await machine.snapshot();
    expect((await machine.applyAll([oem, answer])).changes).toEqual([]);
    expect((await machine.applyAll([oem, "#cloud-config\nusers: [{name: root}]\n"])).changes).toEqual([]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("makes a user that is to be in the group of its own name, beside others, and a second time changes nothing", async () => {
    const config =
      "#cloud-config\nusers: [{name: rancher, groups: [rancher, wheel]}, {name: alone, groups: [alone]}]\n";
    expect((await machine.apply(config)).problems).toEqual([]);
    const [, gid] = /^rancher:x:\d+:(\d+):/m.exec(await machine.text("etc/passwd")) ?? [];
    expect(await machine.text("etc/group")).toContain(`\nrancher:x:${gid}:\n`);
    expect(await machine.text("etc/group")).toContain("\nwheel:x:10:rancher\n");
    expect(await machine.text("etc/passwd")).toContain("\nalone:x:");
    const before = await machine.snapshot();
    expect((await machine.apply(config)).changes).toEqual([]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("applies the rest where a part does not fit to the machine", async () => {
    const { problems } = await machine.apply(
      "#cloud-config\nhostname: a\ntimezone: Nowhere/Land\nwrite_files: [{path: /x, owner: nobody-here}]\n",
    );
    expect(problems).toEqual([
      "the owner of /x is not there: nobody-here",
      "there is no time zone Nowhere/Land in /usr/share/zoneinfo: is the package tzdata there?",
    ]);
    expect(await machine.text("etc/hostname")).toBe("a\n");
  });

  it("tells what useradd says where it refuses, and applies the rest", async () => {
    await machine.apply("#cloud-config\nusers: [{name: a, uid: 1234}]\n");
    await machine.put("etc/rancher/rancherd/config.yaml", "a: 1\n---\nb: 2\n", 0o600);
    await machine.put("opt/file", "in the way");
    const { problems, changes } = await machine.apply(
      "#cloud-config\nhostname: n\nrancherd: {role: agent}\nusers: [{name: b, uid: 1234}, {name: c}]\n" +
        "write_files: [{path: /opt/file/x}, {path: /opt/of-b, owner: b}, {path: /opt/y, content: z}]\n",
    );
    expect(problems).toEqual([
      expect.stringContaining("rancherd reads its configuration no further than line 2, a line of --- only"),
      expect.stringMatching(/^user b: useradd: .*UID 1234 is not unique/),
      "the owner of /opt/of-b is not there: b",
      expect.stringContaining("/opt/file/x"),
    ]);
    expect(changes.map(({ subject }) => subject)).toEqual(["user c", "/opt/y", "/etc/hostname"]);
    expect(await machine.text("etc/passwd")).toContain("\nc:x:");
    expect(await machine.text("etc/hostname")).toBe("n\n");
    expect(await machine.text("opt/y")).toBe("z");
  });

  it("shows nothing of a file that was for its owner only", async () => {
    await machine.put("etc/app.conf", SECRET, 0o600);
    const { changes } = await machine.apply(
      "#cloud-config\nwrite_files: [{path: /etc/app.conf, content: public, permissions: '0644'}]\n",
      { dryRun: true },
    );
    expect(changes.map(describeChange).join("")).toContain("/etc/app.conf");
    expect(changes.map(describeChange).join("")).not.toContain(SECRET);
  });

  it("gives rancherd what stands in a file of /oem that rancherd does not read", async () => {
    await machine.apply("#cloud-config\nrancherd: {role: agent}\n", { from: "/oem/99_custom.yaml" });
    await machine.apply("#cloud-config\nrancherd: {role: agent}\n", { from: "/oem/userdata/a.yaml" });
    await expect(stat(machine.path("etc/rancher"))).rejects.toThrow("ENOENT");
    await machine.apply("#cloud-config\nrancherd: {role: agent}\n", { from: "/oem/90_site.yaml" });
    expect(await machine.text("etc/rancher/rancherd/config.yaml")).toContain("role: agent");
  });

  it("takes up what a killed attempt has left behind", async () => {
    await machine.put("etc/.motd.ros-agent.tmp", "half", 0o600);
    await machine.apply("#cloud-config\nwrite_files: [{path: /etc/motd, content: whole}]\n");
    expect(await machine.text("etc/motd")).toBe("whole");
    await expect(stat(machine.path("etc/.motd.ros-agent.tmp"))).rejects.toThrow("ENOENT");
  });

  it("leaves no folder to anybody but its owner where it is broken off", async () => {
    const files = rootFiles(machine.root);
    const path = "/home/alice/.ssh/authorized_keys";
    const replace = (uid: number): Promise<void> =>
      files.replace({ path, content: "key", mode: 0o600, uid, gid: 7, folders: { mode: 0o750, uid, gid: 7 } });
    // As the system's own refusal, or a kill: the folder is made by then.
    await expect(replace(2 ** 32)).rejects.toMatchObject({ code: "FILES_UNSAVED" });
    expect(await readdir(machine.path("home"))).toEqual([]);
    // What a kill has left of the first attempt is in the way of none.
    await mkdir(machine.path("home/.alice.ros-agent.tmp"));
    await replace(4711);
    expect(await readdir(machine.path("home"))).toEqual(["alice"]);
    for (const folder of ["home/alice", "home/alice/.ssh"]) {
      const { mode, uid, gid } = await stat(machine.path(folder));
      expect([mode & 0o7777, uid, gid]).toEqual([0o750, 4711, 7]);
    }
  });

  it("writes files and folders whose names are as long as names may be", async () => {
    const name = "\u9f8d".repeat(85);
    const path = `/opt/${name}/${name}`;
    const { problems } = await machine.apply(`#cloud-config\nwrite_files: [{path: ${path}, content: whole}]\n`);
    expect(problems).toEqual([]);
    expect(await machine.text(path)).toBe("whole");
  });

  it("makes the home that a killed useradd has not come to", async () => {
    const config = "#cloud-config\nusers: [{name: alice}]\n";
    await machine.apply(config);
    await rm(machine.path("home/alice"), { recursive: true });
    expect((await machine.apply(config)).changes.map(({ subject }) => subject)).toEqual(["/home/alice"]);
    const home = await stat(machine.path("home/alice"));
    expect([home.mode & 0o777, await machine.text("etc/passwd")]).toEqual([
      0o700,
      expect.stringContaining(`alice:x:${home.uid}:${home.gid}:`),
    ]);
    expect((await machine.apply(config)).changes).toEqual([]);
  });

  it("replaces a file that is larger than any that it could write, and does the rest too", async () => {
    await machine.put("opt/large", "x".repeat(4 * 1024 * 1024 + 1));
    const config = `write_files:
- {path: /opt/large, content: small}
- {path: /opt/other, content: other}
`;
    const dry = await machine.apply(config, { dryRun: true });
    expect(dry.changes.map(describeChange).join("")).toContain("-(more than 4194304 bytes)\n+small\n");
    expect((await stat(machine.path("opt/large"))).size).toBe(4 * 1024 * 1024 + 1);
    expect(await machine.apply(config)).toMatchObject({ problems: [] });
    expect([await machine.text("opt/large"), await machine.text("opt/other")]).toEqual(["small", "other"]);
    expect((await machine.apply(config)).changes).toEqual([]);
  });

  it("leaves SSH keys alone that stand in a file too large to be read, and says so", async () => {
    await machine.put("root/.ssh/authorized_keys", "x".repeat(4 * 1024 * 1024 + 1));
    const { problems } = await machine.apply(`ssh_authorized_keys: ["${KEY} one"]\nhostname: a\n`);
    expect(problems).toEqual(["/root/.ssh/authorized_keys cannot be read: it has more than 4194304 bytes"]);
    expect((await stat(machine.path("root/.ssh/authorized_keys"))).size).toBe(4 * 1024 * 1024 + 1);
    expect(await machine.text("etc/hostname")).toBe("a\n");
  });
});
