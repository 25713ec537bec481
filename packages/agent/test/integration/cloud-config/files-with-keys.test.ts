/** Cloud-configs whose write_files has a file for which there is a key of its own: neither undoes what the other did. */
import { readlink, stat } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { machineRoot, type MachineRoot } from "./machine-root.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

let machine: MachineRoot;
beforeEach(async () => {
  machine = await machineRoot();
});
afterEach(() => machine.remove());

describe("a cloud-config", () => {
  it("joins the keys of a user with a file of keys, and lets a host name win, in one document and in two", async () => {
    const other = KEY.replace("AAAAIJ", "AAAAIK");
    const files = `write_files: [{path: /root/.ssh/authorized_keys, content: "${other}\\n"}, {path: /etc/hostname, content: file}]\n`;
    const keys = `hostname: named\nssh_authorized_keys: ["${KEY}"]\n`;
    for (const texts of [[files + keys], [files, keys], [keys, files]]) {
      const first = await machine.applyAll(texts);
      expect(first.problems).toEqual([]);
      expect(first.remarks).toEqual([
        "/etc/hostname stands in write_files as well, with something else: that is left out",
      ]);
      for (const round of [1, 2]) {
        expect(await machine.text("root/.ssh/authorized_keys"), String(round)).toBe(`${other}\n${KEY}\n`);
        expect(await machine.text("etc/hostname")).toBe("named\n");
        expect((await machine.applyAll(texts)).changes).toEqual([]);
      }
    }
  });

  it("tells rancherd what a file of it in write_files does not say, in one document and in two", async () => {
    const file =
      "write_files: [{path: /etc/rancher//rancherd/config.yaml, permissions: '0644', " +
      'content: "role: server\\nlabels: [mine=1]\\n"}]\n';
    const answer = "rancherd: {role: agent, token: canary-token, labels: [a=b]}\n";
    const place = "etc/rancher/rancherd/config.yaml";
    const remarks = [`/${place} has another role already, which stays`];
    for (const texts of [[file + answer], [file, answer], [answer, file]]) {
      expect(await machine.applyAll(texts)).toMatchObject({ problems: [], remarks });
      for (const round of [1, 2]) {
        const text = await machine.text(place);
        expect(text, String(round)).toMatch(/^role: server$/m);
        expect(text).toMatch(/^token: canary-token$/m);
        expect(text.match(/mine=1|a=b/g)).toEqual(["mine=1", "a=b"]);
        expect((await stat(machine.path(place))).mode & 0o777).toBe(0o600);
        expect(await machine.applyAll(texts)).toMatchObject({ changes: [], problems: [], remarks });
      }
    }
    // What the answer says no more goes, and what it says anew comes.
    const next = [file, "rancherd: {role: agent, labels: [c=d]}\n"];
    await machine.applyAll(next);
    expect(await machine.text(place)).not.toMatch(/canary-token|a=b/);
    expect(await machine.text(place)).toContain("c=d");
    expect((await machine.applyAll(next)).changes).toEqual([]);
    const broken = await machine.applyAll([file.replace("role: server", "- x"), answer]);
    expect(broken.problems).toEqual([expect.stringContaining("rancherd's configuration is none")]);
    expect(await machine.text(place)).toContain("canary-token");
  });

  it("lets a time zone win over its files in write_files, where there is that zone", async () => {
    await machine.put("etc/timezone", "Etc/UTC\n");
    const files = "write_files: [{path: /etc/localtime, content: TZif9}, {path: /etc/timezone, content: Mars}]\n";
    const texts = [files, "timezone: Europe/Berlin\n"];
    expect(await machine.applyAll(texts)).toMatchObject({
      problems: [],
      remarks: ["/etc/localtime", "/etc/timezone"].map(
        (path) => `${path} stands in write_files as well, with something else: that is left out`,
      ),
    });
    for (const round of [1, 2]) {
      expect(await readlink(machine.path("etc/localtime")), String(round)).toBe("../usr/share/zoneinfo/Europe/Berlin");
      expect(await machine.text("etc/timezone")).toBe("Europe/Berlin\n");
      expect((await machine.applyAll(texts)).changes).toEqual([]);
    }
    const same = [files.replace("Mars", '"Europe/Berlin\\n"'), texts[1] ?? ""];
    expect(await machine.applyAll(same)).toMatchObject({
      changes: [],
      remarks: [expect.stringMatching(/^\/etc\/localtime /)],
    });
    const elsewhere = await machine.applyAll([files, "timezone: Nowhere/Land\n"]);
    expect(elsewhere.changes.map(({ subject }) => subject)).toEqual(["/etc/localtime", "/etc/timezone"]);
    expect(await machine.text("etc/localtime")).toBe("TZif9");
  });
});
