/** System users that a later release has and the machine's own /etc/passwd hides: the first program, and systemd-sysusers after it. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";
import { openSlotGround, type SlotGround } from "./slot-start.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP = "root:x:0:\nadm:x:4:\nnogroup:x:65534:\n";
const OF_A_PERSON = "useradd:x:1000:1000::/home/useradd:/bin/bash\n";
/** As the packages of Debian make them when an image is made. */
const CHRONY = "_chrony:x:105:110:Chrony daemon,,,:/var/lib/chrony:/usr/sbin/nologin\n";
/** What the unit of systemd-sysusers does once systemd has come so far, of these alone, and what the machine has then. */
const MAKE =
  "[ ! -d /run/sysusers.d ] || systemd-sysusers /run/sysusers.d/*.conf 2>/dev/null; cat /etc/passwd; echo; cat /etc/group";

let ground: SlotGround;

beforeEach(() => {
  ground = openSlotGround(mkdtempSync(join(tmpdir(), "accounts-")));
  ground.change(ground.oem, (oem) => {
    mkdirSync(join(oem, "grub"));
    writeFileSync(join(oem, "grub/grubenv"), writeGrubEnvironment(new Map([["good", "a"]])));
  });
  release("", "");
});
afterEach(() => ground.remove());

/** The image's users and groups. */
function release(users: string, groups: string, nobody = GROUP): void {
  ground.write("etc/passwd", PASSWD + users);
  ground.write("etc/group", nobody + groups);
  ground.write("etc/shadow", "root:*:20000:0:99999:7:::\n");
}

describe("a system user that a later release has", () => {
  it("is there, with the image's numbers and groups, on a machine that has changed its own users", () => {
    ground.start({ script: `printf '${OF_A_PERSON}' >>/etc/passwd; printf 'useradd:x:1000:\\n' >>/etc/group` });
    const sshd = "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n";
    // Of a person, of nonsense, and of what would be more than a name or a place.
    const others =
      "person:x:1001:1001::/home/person:/bin/bash\n+::::::\nbad%n:x:120:120::/:/bin/sh\nodd:x:106:110::/a %h:\n";
    release(
      CHRONY + sshd + others,
      "_chrony:x:110:\nssl-cert:x:111:_chrony,person\n",
      GROUP.replace("adm:x:4:", "adm:x:4:_chrony"),
    );
    const first = ground.start({ words: "rancheros.trial=1", script: MAKE });
    expect(first.console).toBe("");
    const users = [
      "_chrony:x:105:110::/var/lib/chrony:/usr/sbin/nologin",
      "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin",
      "odd:x:106:110::/:/usr/sbin/nologin",
    ];
    const groups =
      "root:x:0:\nadm:x:4:_chrony\nnogroup:x:65534:\nuseradd:x:1000:\n_chrony:x:110:\nssl-cert:x:111:_chrony\n";
    const [passwd = "", group] = (first.said ?? "").split("\n\n");
    expect(passwd.split("\n").sort()).toEqual([...`${PASSWD}${OF_A_PERSON}`.trimEnd().split("\n"), ...users].sort());
    expect(group?.split("\n").sort()).toEqual(groups.split("\n").sort());
    expect(ground.start({ script: `[ -e /run/sysusers.d ] && echo again; ${MAKE}` }).said).toBe(first.said);
  });

  it("is made beside others that systemd-sysusers does not take, of which one would keep all from being made", () => {
    const dotted = "first.last:x:1001:1001::/home/first.last:/bin/bash\n";
    ground.start({
      script: `printf '${OF_A_PERSON}${dotted}' >>/etc/passwd; printf 'of.theirs:x:119:\\n' >>/etc/group`,
    });
    const long = "a".repeat(32);
    const others = [
      "with.dot:x:120:110::/:/bin/sh",
      `${long}:x:121:110::/:/bin/sh`,
      "eight:x:0122:110::/:/bin/sh",
      "up:x:123:110::/var/../up:/bin/../sh",
      "above:x:124:110::/var/..:/bin/sh",
      "here:x:125:110::/var/./lib:/bin/sh",
      "among:x:127:119::/:/bin/sh",
      "dotted:x:126:110::/var/..lib/.x:/bin/sh",
    ].map((line) => `${line}\n`);
    release(
      `${CHRONY}${others.join("")}`,
      `_chrony:x:110:first.last\nof.theirs:x:119:among\nsome.group:x:112:\n${long}:x:113:\neight:x:0114:\n`,
    );
    const { said = "" } = ground.start({
      words: "rancheros.trial=1",
      script: "systemd-sysusers /run/sysusers.d/*.conf >/dev/null 2>&1; echo $?; cat /etc/passwd",
    });
    expect(said.split("\n").sort()).toEqual(
      [
        "",
        "0",
        ...`${PASSWD}${OF_A_PERSON}${dotted}`.trimEnd().split("\n"),
        "_chrony:x:105:110::/var/lib/chrony:/usr/sbin/nologin",
        "above:x:124:110::/:/bin/sh",
        "among:x:127:127::/:/bin/sh",
        "dotted:x:126:110::/var/..lib/.x:/bin/sh",
        "here:x:125:110::/:/bin/sh",
        "up:x:123:110::/:/usr/sbin/nologin",
      ].sort(),
    );
  });

  it("is made by systemd whatever it thinks of the time at which /etc was up to date", () => {
    ground.start({ script: `printf '${OF_A_PERSON}' >>/etc/passwd` });
    release(CHRONY, "_chrony:x:110:\n");
    const script = "cat /run/systemd/system/systemd-sysusers.service.d/*.conf";
    expect(ground.start({ script }).said).toBe("[Unit]\nConditionNeedsUpdate=\n");
  });

  it("gets other numbers where the machine has given these away, and no group of another's", () => {
    const taken = "taken:x:105:110::/:/usr/sbin/nologin\n";
    ground.start({ script: `printf '${taken}' >>/etc/passwd; printf 'others:x:110:\\n' >>/etc/group` });
    release(CHRONY, "_chrony:x:110:\n");
    const { said = "" } = ground.start({ script: MAKE });
    expect(said).toContain(taken);
    const [, user, itsGroup] = /^_chrony:x:(\d+):(\d+):/m.exec(said) ?? [];
    expect(Number(user)).toBeGreaterThan(110);
    expect(said).toContain(`\n_chrony:x:${itsGroup ?? ""}:\n`);
    expect(said).toContain("\nothers:x:110:\n");
    expect(itsGroup).not.toBe("110");
  });

  it("needs nothing where the machine's users are the image's", () => {
    ground.start();
    release(CHRONY, "_chrony:x:110:\n");
    const start = ground.start({ script: "grep _chrony /etc/passwd; ls -d /run/sysusers.d /run/systemd" });
    expect(start.said).toMatch(/^_chrony:x:105:110:.*\n(ls: cannot access .*\n){2}$/);
  });
});
