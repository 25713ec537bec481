/** Applying cloud-configs to a machine that has links and files of others where they are not expected. */
import { chmod, link, lstat, mkdir, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { machineRoot, type MachineRoot } from "./machine-root.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("a cloud-config", () => {
  it("writes nothing outside the machine's root, wherever links lead", async () => {
    const outside = join(machine.root, "..", "outside");
    await mkdir(outside);
    await symlink(outside, machine.path("opt/absolute"));
    await symlink("../../outside", machine.path("opt/climbing"));
    await machine.apply(
      `#cloud-config\nwrite_files: [{path: /opt/absolute/a, content: x}, {path: /opt/climbing/b, content: x}]\n`,
    );
    await expect(stat(join(outside, "a"))).rejects.toThrow("ENOENT");
    await expect(stat(join(outside, "b"))).rejects.toThrow("ENOENT");
    // As in a chroot: the links lead somewhere below the root.
    expect(await machine.text(`${outside}/a`)).toBe("x");
    expect(await machine.text("outside/b")).toBe("x");
  });

  it("does not follow a user's own links to where root may write", async () => {
    await machine.apply("#cloud-config\nusers: [{name: mallory}]\n");
    await symlink("/etc", machine.path("home/mallory/.ssh"));
    const before = await machine.snapshot();
    const keys = await machine.apply(`#cloud-config\nusers: [{name: mallory, ssh_authorized_keys: ["${KEY}"]}]\n`);
    expect(keys.problems).toEqual(["the path /home/mallory/.ssh leads through the link .ssh"]);
    const written = await machine.apply(
      "#cloud-config\nwrite_files: [{path: /home/mallory/.ssh/passwd, content: x, owner: mallory}]\n",
    );
    expect(written.problems).toEqual(["the path /home/mallory/.ssh leads through the link .ssh"]);
    expect(await machine.snapshot()).toEqual(before);
  });

  it("does not follow links in a folder that others may write to, and does where only root may", async () => {
    await mkdir(machine.path("shared"));
    await chmod(machine.path("shared"), 0o1777);
    await symlink("/etc", machine.path("shared/to-etc"));
    await symlink("opt", machine.path("srv"));
    const config = "#cloud-config\nwrite_files: [{path: /shared/to-etc/a, content: x}, {path: /srv/b, content: y}]\n";
    expect((await machine.apply(config)).problems).toEqual(["the path /shared/to-etc leads through the link to-etc"]);
    await expect(stat(machine.path("etc/a"))).rejects.toThrow("ENOENT");
    expect(await machine.text("opt/b")).toBe("y");
  });

  it("gives a user nothing of a file of others that it has as its authorized_keys", async () => {
    const config = `#cloud-config\nusers: [{name: mallory, ssh_authorized_keys: ["${KEY}"]}]\n`;
    await machine.apply(config);
    const keys = machine.path("home/mallory/.ssh/authorized_keys");
    await rm(keys);
    await link(machine.path("etc/shadow"), keys);
    expect((await machine.apply(config)).problems).toEqual([]);
    expect(await machine.text("home/mallory/.ssh/authorized_keys")).toBe(`${KEY}\n`);
    expect(await machine.text("etc/shadow")).toContain("root:");
    await rm(keys);
    await symlink("/etc/shadow", keys);
    expect((await machine.apply(config)).problems).toEqual([
      "the path /home/mallory/.ssh/authorized_keys leads through the link authorized_keys",
    ]);
  });

  it("replaces a link in the place of a file, and not what it leads to", async () => {
    await machine.put("etc/target", "kept\n");
    await symlink("target", machine.path("etc/motd"));
    await machine.apply("#cloud-config\nwrite_files: [{path: /etc/motd, content: new}]\n");
    expect(await machine.text("etc/target")).toBe("kept\n");
    expect((await lstat(machine.path("etc/motd"))).isFile()).toBe(true);
  });
});
