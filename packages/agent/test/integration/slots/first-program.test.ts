/** The first program of a slot, whole, on file systems that are full, and where the power goes in the midst of a reset. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { readGrubEnvironment, writeGrubEnvironment } from "../../../src/slots/grub-environment.ts";
import { openSlotGround, type SlotGround } from "./slot-start.ts";

const LEARNED = '{"server":"https://operator.test","under":"system","ca":"of the successor"}\n';
const REQUEST = '{"version":1,"askedAt":"2026-11-25T18:00:00.000Z","powerOff":false}\n';

let ground: SlotGround;

beforeEach(() => {
  ground = openSlotGround(mkdtempSync(join(tmpdir(), "first-")));
  ground.write("var/lib/of-the-image", "from the slot\n");
  ground.write("etc/os-release", "ID=test\n");
  ground.change(ground.oem, (oem) => {
    mkdirSync(join(oem, "grub"));
    writeFileSync(join(oem, "grub/grubenv"), writeGrubEnvironment(new Map([["good", "a"]])));
  });
});
afterEach(() => ground.remove());

/** With nothing left for anybody. */
function fill(folder: string): void {
  for (const bytes of [1024 * 1024, 4096, 1]) {
    try {
      for (let count = 0; ; count++) writeFileSync(join(folder, `filler-${bytes}-${count}`), Buffer.alloc(bytes));
    } catch {
      // Full.
    }
  }
}

describe("a start", () => {
  it("keeps what the machine writes, and what the image has brought", () => {
    const first = ground.start({
      script: "cat /var/lib/of-the-image; echo mine >/var/lib/mine; echo host >/etc/hostname",
    });
    expect(first).toEqual({ console: "", isRestarted: false, said: "from the slot\n" });
    expect(ground.start({ script: "cat /var/lib/mine /etc/hostname /etc/os-release" }).said).toBe(
      "mine\nhost\nID=test\n",
    );
  });

  it("goes on without memory where ROS_STATE has no room for a first one, says so, and has it once there is room", () => {
    ground.change(ground.state, fill);
    const full = ground.start({
      script: "cat /var/lib/of-the-image; echo x >/var/lib/mine && echo x >/etc/mine && echo writable",
    });
    expect(full).toMatchObject({ isRestarted: false, said: "from the slot\nwritable\n" });
    expect(full.console).toMatch(/ROS_STATE has no room for \/var: .*forgotten/);
    expect(full.console).toMatch(/ROS_STATE has no room for \/etc: .*forgotten/);
    const roomy = ground.start({ script: "ls /var/lib /etc; rm /var/lib/of-the-image" });
    expect(roomy.said).not.toContain("mine");
    ground.change(ground.state, (folder) => {
      for (const count of [0, 1, 2, 3, 4, 5]) writeFileSync(join(folder, `filler-1048576-${count}`), "");
    });
    expect(ground.start({ script: "echo kept >/var/lib/mine" })).toMatchObject({ console: "", isRestarted: false });
    expect(ground.start({ script: "cat /var/lib/mine /var/lib/of-the-image" }).said).toBe("kept\nfrom the slot\n");
  });

  it("leaves a slot on trial to the good one where ROS_STATE has no room", () => {
    ground.change(ground.state, fill);
    const { console, isRestarted, said } = ground.start({ words: "rancheros.trial=1" });
    expect(console).toMatch(/ROS_STATE has no room for \/var/);
    expect({ isRestarted, said }).toEqual({ isRestarted: true, said: undefined });
  });

  it("is one like any other where ROS_STATE is full later", () => {
    ground.start({ script: "echo mine >/var/lib/mine" });
    ground.change(ground.state, fill);
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    const { isRestarted, said } = ground.start({ script: "cat /var/lib/mine" });
    expect({ isRestarted, said }).toEqual({ isRestarted: false, said: "mine\n" });
  });
});

describe("a start of another release", () => {
  const big = "of the release\n".repeat((3 * 1024 * 1024) / 8).slice(0, 3 * 1024 * 1024);
  const bringMore = (): void => {
    ground.start({ script: "echo mine >/var/lib/mine" });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.write("var/lib/big", big);
    ground.write("var/lib/mine", "the image's\n");
    ground.change(ground.state, (folder) => {
      fill(folder);
      rmSync(join(folder, "filler-1048576-0"));
    });
  };
  it("brings whole what is new in it once there is room, and says so until then", () => {
    bringMore();
    const full = ground.start({ script: "ls /var/lib; cat /var/lib/mine" });
    expect(full).toMatchObject({ isRestarted: false, said: "mine\nof-the-image\nmine\n" });
    expect(full.console).toMatch(/ROS_STATE has no room for what the image brings for \/var/);
    ground.change(ground.state, (folder) => {
      for (const name of readdirSync(folder)) if (name.startsWith("filler-")) rmSync(join(folder, name));
      expect(readdirSync(folder).filter((name) => name.startsWith(".") || name.startsWith("seeded"))).toEqual([
        "seeded-a",
      ]);
    });
    const roomy = ground.start({ script: "wc -c </var/lib/big; cat /var/lib/mine" });
    expect(roomy).toEqual({ console: "", isRestarted: false, said: `${big.length}\nmine\n` });
    ground.change(ground.state, (folder) => expect(readdirSync(folder).sort()).not.toContain(".var.new"));
  });

  it("wants room for what the machine does not have, and for nothing else", () => {
    ground.write("var/lib/images/of-all-releases", big);
    ground.write("var/lib/images/old", "old\n");
    ground.start({ script: "echo mine >/var/lib/images/old; rm /var/lib/of-the-image" });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.write("var/lib/images/new file", "new\n");
    // Mounted over by the image's own.
    ground.write("var/lib/dpkg/info/of-the-next", big);
    ground.change(ground.state, (folder) => {
      fill(folder);
      rmSync(join(folder, "filler-1048576-0"));
    });
    const script =
      "cd /var/lib; wc -c <images/of-all-releases; cat images/old 'images/new file' of-the-image; ls dpkg/info";
    const start = ground.start({ words: "rancheros.trial=1", script });
    const said = `${big.length}\nmine\nnew\nfrom the slot\nof-the-next\n`;
    expect(start).toEqual({ console: "", isRestarted: false, said });
  });

  it("brings links, owners, rights and attributes as they are, below folders that are there and below new ones", () => {
    ground.start({ script: "mkdir -m 0750 /var/lib/there" });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.write("var/lib/there/file", "x");
    ground.write("var/lib/new/deeper/file", "x");
    ground.run(`cd var/lib; chmod 0711 new there; chown 123:45 new/deeper; chmod 04755 new/deeper/file
      setfattr -n user.mark -v of-the-image there/file; ln -s ../of-the-image there/link; ln new/deeper/file new/same
      mkdir "new/two
lines"; mkfifo new/fifo`);
    const script = [
      "cd /var/lib; stat --format='%n %F %a %u:%g %h' there there/file there/link new new/deeper new/deeper/file new/fifo new/two*",
      "getfattr --only-values -n user.mark there/file",
    ].join("; ");
    const lines = [
      "there directory 750 0:0 2",
      "there/file regular file 644 0:0 1",
      "there/link symbolic link 777 0:0 1",
      "new directory 711 0:0 4",
      "new/deeper directory 755 123:45 2",
      "new/deeper/file regular file 4755 0:0 2",
      "new/fifo fifo 644 0:0 1",
      "new/two\nlines directory 755 0:0 2",
      "of-the-image",
    ];
    expect(ground.start({ words: "rancheros.trial=1", script }).said).toBe(lines.join("\n"));
  });

  it("leaves owner, rights and attributes of the folders that the machine has as they are", () => {
    // Who may read it besides, and what is made in it: u::rwx u:7:r-x g::r-x m::r-x o::---
    const list =
      "0x02000000 0100 0700 ffffffff 0200 0500 07000000 0400 0500 ffffffff 1000 0500 ffffffff 2000 0000 ffffffff";
    const acl = list.replaceAll(" ", "");
    ground.write("var/lib/app/old", "x");
    ground.write("var/lib/listed/old", "x");
    const look = [
      "cd /var/lib; stat --format='%n %a %u:%g' /root app listed app/deeper app/deeper/new listed/fresh listed/fresh/file",
      "getfattr --dump --match=- --encoding=hex app listed listed/fresh listed/fresh/file",
    ].join("; ");
    const change = `chmod 0711 /root; cd /var/lib; chown 7:8 app; chmod 2750 app; setfattr -n user.of -v 1 app
      setfattr -n system.posix_acl_access -v ${acl} listed; setfattr -n system.posix_acl_default -v ${acl} listed; mkdir -m 0700 app/deeper; chown 9:9 app/deeper`;
    ground.start({ script: change });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.write("var/lib/app/deeper/new", "x");
    ground.write("var/lib/listed/fresh/file", "x");
    ground.run(`chmod 0700 root; cd var/lib; chown 1:1 app; setfattr -n user.image -v 2 app; chmod 0644 app/deeper/new
      setfattr -n system.posix_acl_default -v ${acl} app; setfattr -n system.posix_acl_access -v ${acl} app`);
    expect(ground.start({ words: "rancheros.trial=1", script: look }).said).toBe(
      [
        "/root 711 0:0",
        "app 2750 7:8",
        "listed 750 0:0",
        "app/deeper 2700 9:9",
        "app/deeper/new 644 0:0",
        "listed/fresh 755 0:0",
        "listed/fresh/file 644 0:0",
        "# file: app\nuser.of=0x31\n",
        `# file: listed\nsystem.posix_acl_access=${acl}\nsystem.posix_acl_default=${acl}\n\n`,
      ].join("\n"),
    );
  });

  it("brings owners by their numbers, whatever names have them, and holes as holes", () => {
    ground.start();
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    // A number with two names, of which the later one has another number too.
    ground.write("etc/passwd", "root:x:0:0::/:/bin/sh\none:x:123:45::/:/bin/sh\none:x:321:45::/:/bin/sh\n");
    // Larger than ROS_STATE.
    ground.run("cd var/lib; echo x >owned; chown 321:45 owned; truncate -s 64M lastlog");
    const script = "cd /var/lib; stat --format='%n %u:%g %s' owned lastlog";
    const start = ground.start({ words: "rancheros.trial=1", script });
    expect(start).toEqual({ console: "", isRestarted: false, said: "owned 321:45 2\nlastlog 0:0 67108864\n" });
  });

  it("is left to the good one on trial where what it brings has no room", () => {
    bringMore();
    const { console, isRestarted, said } = ground.start({ words: "rancheros.trial=1" });
    expect(console).toMatch(/ROS_STATE has no room for what the image brings for \/var: this slot is not tried/);
    expect({ isRestarted, said }).toEqual({ isRestarted: true, said: undefined });
  });

  it("brings folders with their owner and rights also where the power goes while they come to their place", () => {
    ground.start({ script: "mkdir -m 0750 /var/lib/there" });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.run(`mkdir -p var/lib/there/new/deeper; cd var/lib/there/new; chown 123:45 . deeper; chmod 02751 . deeper
      for count in $(seq 1500); do echo x >deeper/$count; done; chmod 0700 ..`);
    // As soon as anything of it is there.
    const cut = (name: string): string => `#!/bin/sh
PATH=/usr/bin ${name} "$@" &
case "$PWD $*" in *.var.new*) ;; *) wait $!; exit ;; esac
until [ -d /run/rancheros-state/var/lib/there/new/deeper ]; do kill -0 $! || break; done
kill -9 -1
`;
    for (const name of ["cp", "mv"]) ground.write(`usr/local/sbin/${name}`, cut(name));
    expect(ground.start().said).toBeUndefined();
    for (const name of ["cp", "mv"]) ground.write(`usr/local/sbin/${name}`, `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`);
    const script = "cd /var/lib/there; stat --format='%n %a %u:%g' . new new/deeper; ls new/deeper | wc -l";
    expect(ground.start({ words: "rancheros.trial=1", script })).toEqual({
      console: "",
      isRestarted: false,
      said: ". 750 0:0\nnew 2751 123:45\nnew/deeper 2751 123:45\n1500\n",
    });
  });

  it("brings nothing through a link that the machine has in place of a folder, or below a file", () => {
    ground.start({
      script: "mkdir /var/lib/theirs; ln -s theirs /var/lib/linked; ln -s /usr/lib /var/lib/far; echo x >/var/lib/file",
    });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    for (const name of ["linked", "far", "file", "fresh"]) ground.write(`var/lib/${name}/deeper/of-the-image`, "x");
    const script = "cd /var/lib; ls theirs; ls -d /usr/lib/deeper; cat file; ls fresh/deeper; readlink linked far";
    expect(ground.start({ words: "rancheros.trial=1", script }).said).toBe(
      "ls: cannot access '/usr/lib/deeper': No such file or directory\nx\nof-the-image\ntheirs\n/usr/lib\n",
    );
  });

  it.each([
    ["xargs", "is missing", "echo 'xargs: not found' >&2; exit 127"],
    ["xargs", "finds no shell", "echo 'xargs: sh: Permission denied' >&2; exit 126"],
    ["xargs", "is killed", "exit 137"],
    ["xargs", "ends with what it started, without a word", "exit 123"],
    ["mv", "does not know -T", "case \"$*\" in *' -T '*) echo 'mv: invalid option' >&2; exit 1 ;; esac"],
    [
      "mv",
      "fails in the midst of it",
      "case \"$*\" in *of-the-next*) echo 'mv: Structure needs cleaning' >&2; exit 1 ;; esac",
    ],
  ])("is not taken as brought where %s %s, says so, and is brought once it can be", (name, _why, script) => {
    ground.start();
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    ground.write("var/lib/of-the-next", "new\n");
    ground.write(`usr/local/sbin/${name}`, `#!/bin/sh\n${script}\nexec /usr/bin/${name} "$@"\n`);
    ground.run(`chmod 0755 usr/local/sbin/${name}`);
    const look = "cat /var/lib/of-the-next";
    const broken = ground.start({ script: `${look} || true` });
    expect(broken.isRestarted).toBe(false);
    expect(broken.said).toMatch(/No such file/);
    expect(broken.console).toMatch(
      /what the image brings for \/var cannot be moved to its place .*is missing until a start/,
    );
    const trial = ground.start({ words: "rancheros.trial=1" });
    expect({ isRestarted: trial.isRestarted, said: trial.said }).toEqual({ isRestarted: true, said: undefined });
    expect(trial.console).toMatch(
      /what the image brings for \/var cannot be moved to its place .*this slot is not tried/,
    );
    ground.write(`usr/local/sbin/${name}`, `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`);
    expect(ground.start({ script: look })).toEqual({ console: "", isRestarted: false, said: "new\n" });
  });

  it("needs no xargs where nothing is to be brought", () => {
    ground.write("usr/local/sbin/xargs", "#!/bin/sh\necho 'xargs: not found' >&2; exit 127\n");
    ground.run("chmod 0755 usr/local/sbin/xargs");
    ground.start();
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    const start = ground.start({ words: "rancheros.trial=1", script: "cat /var/lib/of-the-image" });
    expect(start).toEqual({ console: "", isRestarted: false, said: "from the slot\n" });
  });

  it("is brought as far as the machine lets it, where it has made a folder immutable", () => {
    ground.start({ script: "mkdir /var/lib/theirs; chattr +i /var/lib/theirs" });
    ground.write("usr/lib/rancheros-release", "IMAGE=next\n");
    for (const name of ["theirs", "zz"]) ground.write(`var/lib/${name}/new/file`, "x\n");
    const start = ground.start({
      words: "rancheros.trial=1",
      script: "cd /var/lib; ls theirs; cat zz/new/file; chattr -i theirs",
    });
    expect(start).toEqual({ console: "", isRestarted: false, said: "x\n" });
  });

  it("brings the same wherever the power goes", () => {
    ground.start({ script: "echo mine >/var/lib/mine" });
    ground.write("var/lib/new/of-the-next", big.slice(0, 4096));
    ground.write("var/lib/new/deeper/file", "x");
    ground.run("cd var/lib; chown 123:45 new; chmod 0711 new; chmod 04750 new/deeper");
    ground.write("var/lib/mine", "the image's\n");
    const script =
      "cd /var/lib; cat mine; wc -c <new/of-the-next; ls -A; stat --format='%n %a %u:%g' new new/*; ls new/deeper";
    const whole =
      "mine\n4096\nmine\nnew\nof-the-image\nnew 711 123:45\nnew/deeper 4750 0:0\nnew/of-the-next 644 0:0\nfile\n";
    const every = 6;
    for (let cutAfter = 1 + Math.floor(Math.random() * every); ; cutAfter += every) {
      ground.write("usr/lib/rancheros-release", `IMAGE=${cutAfter}\n`);
      ground.change(ground.state, (folder) => rmSync(join(folder, "var/lib/new"), { recursive: true, force: true }));
      const cut = ground.start({ script, cutAfter });
      const said = cut.said ?? ground.start({ script }).said;
      expect(said, `after ${cutAfter}`).toBe(whole);
      if (cut.said === undefined) continue;
      expect(cutAfter).toBeGreaterThan(10);
      return;
    }
  });
});

describe("a reset", () => {
  function ask(): void {
    ground.change(ground.state, (state) => {
      mkdirSync(join(state, "etc/upper"), { recursive: true });
      writeFileSync(join(state, "etc/upper/mine"), "x\n");
    });
    ground.change(ground.oem, (oem) => {
      const words = new Map([
        ["good", "a"],
        ["reset", "1"],
      ]);
      writeFileSync(join(oem, "grub/grubenv"), writeGrubEnvironment(words));
      writeFileSync(join(oem, "registration.yaml"), "rancheros: {install: {registrationURL: https://operator.test}}\n");
      writeFileSync(join(oem, "99_custom.yaml"), "users: []\n");
      writeFileSync(join(oem, "reset.json"), REQUEST);
      writeFileSync(join(oem, "operator-ca.json"), LEARNED);
    });
  }

  const words = (): Readonly<Record<string, string>> => {
    let found: Readonly<Record<string, string>> = {};
    ground.change(ground.oem, (oem) => {
      found = Object.fromEntries(readGrubEnvironment(readFileSync(join(oem, "grub/grubenv"))));
    });
    return found;
  };

  const script = [
    "cat /var/lib/rancheros/operator-ca.json /var/lib/rancheros/reset.json",
    "ls /var/lib/rancheros",
    "ls /oem",
    "ls /etc/mine",
    "stat --format=%a /var/lib/rancheros/operator-ca.json",
  ].join("; ");
  const RESULT = [
    LEARNED,
    REQUEST,
    "operator-ca.json\nreset.json\n",
    "99_custom.yaml\ngrub\nlost+found\nregistration.yaml\n",
    "ls: cannot access '/etc/mine': No such file or directory\n",
    "600\n",
  ].join("");

  it("wipes the machine, and keeps by what CA it knows its operator", () => {
    ask();
    const { console, said, isRestarted } = ground.start({ words: "rancheros.reset=1", script });
    expect(console).toMatch(/resetting: done/);
    expect({ said, isRestarted }).toEqual({ said: RESULT, isRestarted: false });
    expect(words()["reset"]).toBe("");
  });

  it("comes to the same end wherever the power goes", () => {
    const every = 6;
    for (let cutAfter = 1 + Math.floor(Math.random() * every); ; cutAfter += every) {
      ask();
      const cut = ground.start({ words: "rancheros.reset=1", script, cutAfter });
      if (cut.said !== undefined) {
        expect(cutAfter).toBeGreaterThan(10);
        return;
      }
      const isAsked = words()["reset"] === "1";
      expect(ground.start({ words: isAsked ? "rancheros.reset=1" : "", script }).said, `after ${cutAfter}`).toBe(
        RESULT,
      );
    }
  });
});
