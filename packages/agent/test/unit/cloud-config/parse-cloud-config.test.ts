/** Reading cloud-configs: every mistake has its line and column, nothing that is hostile holds the machine up. */
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { parseCloudConfig } from "../../../src/cloud-config/parse-cloud-config.ts";

const HEAD = "#cloud-config\n";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const SECRET = "correct-horse-battery";

function findings(text: string | Uint8Array): readonly string[] {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  return parseCloudConfig(bytes).findings.map(
    ({ line, column, severity, sentence }) => `${line}:${column} ${severity} ${sentence}`,
  );
}

/** Nine lists in each other, each nine times the one before: 9^9 values. */
function laughs(): string {
  const names = "abcdefghi".split("");
  const lines = names.map((name, index) => {
    const inner = index === 0 ? "lol" : `*${names[index - 1] ?? ""}`;
    return `${name}: &${name} [${Array(9).fill(inner).join(", ")}]`;
  });
  return `${HEAD}${lines.join("\n")}\n`;
}

describe("a cloud-config", () => {
  it("is read as a whole", () => {
    const { config, findings: found } = parseCloudConfig(
      Buffer.from(`${HEAD}hostname: node-1
users:
- name: root
  passwd: $6$saltsalt$hashhashhash
- &alice {name: alice, groups: "wheel, docker", uid: 1001, ssh_authorized_keys: ["${KEY} a@b"]}
ssh_authorized_keys: [${KEY}]
write_files:
- {path: /etc/motd, content: aGVsbG8K, encoding: b64, permissions: 0600, owner: "alice:wheel"}
runcmd:
- echo hi
- [ls, -l]
ntp: {servers: [time.example.com], pools: [pool.ntp.org]}
timezone: Europe/Berlin
sysctl: {net.ipv4.ip_forward: 1, kernel.printk: "4 4 1 7"}
modules: [nvme]
rancherd: {role: server}
rancheros: {install: {device: /dev/sda}}
`),
    );
    expect(found).toEqual([]);
    expect(config).toEqual({
      hostname: "node-1",
      users: [
        {
          name: "root",
          passwordHash: "$6$saltsalt$hashhashhash",
          groups: [],
          authorizedKeys: [],
        },
        {
          name: "alice",
          groups: ["wheel", "docker"],
          uid: 1001,
          authorizedKeys: [`${KEY} a@b`],
        },
      ],
      authorizedKeys: [KEY],
      files: [{ path: "/etc/motd", content: Buffer.from("hello\n"), mode: 0o600, user: "alice", group: "wheel" }],
      commands: [
        { kind: "shell", script: "echo hi" },
        { kind: "program", argv: ["ls", "-l"] },
      ],
      ntp: { isEnabled: true, servers: ["time.example.com"], pools: ["pool.ntp.org"] },
      timezone: "Europe/Berlin",
      sysctl: new Map([
        ["net.ipv4.ip_forward", "1"],
        ["kernel.printk", "4 4 1 7"],
      ]),
      modules: ["nvme"],
      rancherd: { role: "server" },
    });
  });

  it.each([
    ["a tab", `${HEAD}users:\n\t- name: a\n`, "3:1 error a tab is used as indentation: YAML wants spaces"],
    ["a NUL byte", `${HEAD}host\0name: x\n`, "2:5 error there is a NUL byte: this is no text"],
    ["a key twice", `${HEAD}hostname: a\nhostname: b\n`, "3:1 error this key is there twice"],
    ["no map", "#cloud-config\n- a\n", "2:1 error the document has to be a map"],
    ["a text", "hello", "1:1 error the document has to be a map"],
    ["nothing", "", "1:1 error the document is empty"],
    ["two documents", "a: 1\n---\nb: 2\n", "2:1 error a second document begins here: one is read"],
    ["an alias to nothing", `${HEAD}a: *b\n`, "2:4 error the alias (*name) names an anchor that is not there"],
    ["an alias to itself", `${HEAD}a: &a [*a]\n`, /^2:8 error maps and lists are nested/],
    ["an open quote", `${HEAD}hostname: "abc\n`, /^3:1 error a character is missing/],
    ["a tag that nobody knows", `${HEAD}hostname: !secret x\n`, /^2:11 error the tag/],
    [
      "a password as it is",
      `${HEAD}users:\n- name: a\n  passwd: ${SECRET}\n`,
      /^4:11 error users\[0\]\.passwd has to be a hash/,
    ],
    [
      "an empty password",
      `${HEAD}users:\n- {name: a, passwd: ""}\n`,
      /^3:21 error users\[0\]\.passwd has to be a hash/,
    ],
    [
      "an empty number",
      `${HEAD}users:\n- {name: a, uid: ""}\n`,
      /^3:18 error users\[0\]\.uid has to be a whole number/,
    ],
    ["no name", `${HEAD}users:\n- groups: a\n`, "3:3 error users[0] has no name"],
    ["a user twice", `${HEAD}users: [{name: a}, {name: a}]\n`, '2:8 error users has "a" twice'],
    [
      "a name that is an option",
      `${HEAD}users:\n- name: --root=/\n`,
      /^3:9 error users\[0\]\.name has to be a user's name/,
    ],
    [
      "a line break in a gecos",
      `${HEAD}users:\n- {name: a, gecos: "a\\nroot::0:0"}\n`,
      /^3:20 error users\[0\]\.gecos/,
    ],
    ["a path that climbs", `${HEAD}write_files: [{path: /etc/../x}]\n`, "2:22 error write_files[0].path holds .."],
    ["a path that is relative", `${HEAD}write_files: [{path: x}]\n`, /^2:22 error .* does not begin with/],
    ["permissions", `${HEAD}write_files: [{path: /x, permissions: rw}]\n`, /^2:39 error .* octal/],
    ["permissions that are no number of a mode", `${HEAD}write_files: [{path: /x, permissions: 899}]\n`, /^2:39 error/],
    ["base64", `${HEAD}write_files: [{path: /x, encoding: b64, content: "%"}]\n`, /^2:50 error .* not base64/],
    ["appending", `${HEAD}write_files: [{path: /x, append: true}]\n`, /^2:34 error append is not supported/],
    ["a host name", `${HEAD}hostname: a_b\n`, /^2:11 error hostname has to be a host name/],
    [
      "a key that is none",
      `${HEAD}ssh_authorized_keys: [x]\n`,
      /^2:23 error ssh_authorized_keys\[0\] is no public key/,
    ],
    [
      "a kernel setting on two lines",
      `${HEAD}sysctl: {a.b: "1\\nx=y"}\n`,
      /^2:15 error sysctl\.a\.b has to be on one line/,
    ],
    ["an empty command", `${HEAD}runcmd: [""]\n`, "2:10 error runcmd[0] is empty"],
    ["a NUL in a command", `${HEAD}runcmd: ["${SECRET}\\0"]\n`, "2:10 error runcmd[0] holds a NUL byte"],
    ["a NUL in an argument", `${HEAD}runcmd: [[echo, "a\\0"]]\n`, "2:17 error runcmd[0][1] holds a NUL byte"],
    [
      "a command that no system takes",
      `${HEAD}runcmd:\n- ${"x".repeat(131_072)}\n`,
      /^3:3 error runcmd\[0\] has more than 131071 bytes/,
    ],
  ])("with %s is refused, and the place told", (_name, text, expected) => {
    expect(parseCloudConfig(Buffer.from(text)).config).toBeUndefined();
    const found = findings(text).filter((line) => line.includes(" error "));
    expect(found[0]).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
    expect(found.join("\n")).not.toContain(SECRET);
  });

  it.each([
    ["an anchor bomb", laughs(), /values, those that aliases repeat/],
    ["ten megabytes", `${HEAD}${"a: b\n".repeat(2_000_000)}`, /more than 1048576 are not read/],
    ["a million brackets", "[".repeat(1_000_000), /nested more than/],
    ["lists in lists", "- ".repeat(500_000), /nested more than/],
    ["maps in maps", `a: ${"{a: ".repeat(200_000)}`, /nested more than/],
    ["complex keys", "? ".repeat(500_000), /nested more than/],
    [
      "a hundred thousand keys",
      Array.from({ length: 100_000 }, (_v, key) => `k${key}: 1`).join("\n"),
      /keys and values/,
    ],
    ["a hundred thousand aliases", `b: &b 1\nx:\n${"- *b\n".repeat(100_000)}`, /keys and values/],
    ["a list of aliases", `b: &b 1\nx: [${"*b, ".repeat(100_000)}]`, /keys and values/],
    ["a hundred thousand quoted texts", `${"- 'a'\n".repeat(50_000)}${'- "a"\n'.repeat(50_000)}`, /keys and values/],
  ])("of %s is refused with a place, and soon", (_name, text, expected) => {
    const bytes = Buffer.from(text);
    let found = parseCloudConfig(Buffer.from(HEAD));
    expect(cpuMsOf(() => (found = parseCloudConfig(bytes)))).toBeLessThan(SOON_MS);
    expect(found.config).toBeUndefined();
    expect(found.findings.at(-1)?.sentence).toMatch(expected);
    expect(found.findings[0]?.line).toBeGreaterThan(0);
  });

  it("that is packed and blows up is refused", () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString("base64");
    expect(findings(`${HEAD}write_files: [{path: /x, encoding: gz+b64, content: ${bomb}}]\n`)).toEqual([
      "2:53 error write_files[0].content unpacks to more than 4194304 bytes",
    ]);
  });

  it("warns about keys that it does not know, by their names and with what may have been meant", () => {
    const text = `${HEAD}hostnam: x\nusers:\n- {name: a, shel: /bin/sh}\npackages: [a]\n`;
    expect(parseCloudConfig(Buffer.from(text)).config).toBeDefined();
    expect(findings(text)).toEqual([
      '2:1 warning there is no key "hostnam"; it is left out. Did you mean hostname?',
      '4:13 warning there is no key "shel"; it is left out. Did you mean shell?',
      '5:1 warning there is no key "packages"; it is left out',
    ]);
  });

  it("takes anchors and merge keys, and bytes that are no UTF-8 it names", () => {
    const text = `${HEAD}users:\n- &u {name: a, groups: [x]}\n- {<<: *u, name: b}\n`;
    expect(parseCloudConfig(Buffer.from(text)).config?.users.map(({ name, groups }) => [name, ...groups])).toEqual([
      ["a", "x"],
      ["b", "x"],
    ]);
    expect(findings(Buffer.from([0x23, 0x0a, 0x61, 0x3a, 0xff]))).toEqual([
      "2:3 error there is a byte that is not UTF-8",
    ]);
  });

  it("takes no quoted << for a merge", () => {
    const text = `${HEAD}defaults: &b {name: a}\nusers:\n- {name: b, '<<': *b}\n`;
    expect(findings(text)).toEqual([
      '2:1 warning there is no key "defaults"; it is left out',
      '4:13 warning there is no key "<<"; it is left out',
    ]);
  });

  it("gives rancherd what it makes of !!binary, and names what it does not read", () => {
    const told = (values: string): unknown =>
      parseCloudConfig(Buffer.from(`${HEAD}rancherd: {${values}}\n`)).config?.rancherd;
    expect(told("token: !!binary aGVsbG8=")).toEqual({ token: "hello" });
    expect(told("token: 1e999, a: [-2E400, 5]")).toEqual({ token: "1e999", a: ["-2E400", 5] });
    expect(findings(`${HEAD}rancherd:\n  server: x\n  extraConfig: {a: [1, .inf], b: .nan}\n`)).toEqual([
      "4:24 error rancherd.extraConfig.a[1] is a number that rancherd does not read",
      "4:34 error rancherd.extraConfig.b is a number that rancherd does not read",
    ]);
    expect(findings(`${HEAD}write_files:\n- path: /x\n  content: !!binary canary*\n`)).toEqual([
      "4:21 error what !!binary marks is no base64",
    ]);
  });

  it("of any bytes is a config or has a finding with a place, and never throws", () => {
    const part = fc.constantFrom(
      "users:",
      "- ",
      "name: a",
      "\n",
      "  ",
      "\t",
      "&a ",
      "*a",
      "{",
      "}",
      "[",
      "]",
      "? ",
      ": ",
      "!!binary ",
      "'",
      '"',
      "|",
      ">",
      "---",
      "<<: ",
      "#",
      "\0",
      "é",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 40 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (document) => {
        const { config, findings: found } = parseCloudConfig(Buffer.from(document));
        expect(config !== undefined || found.some(({ severity }) => severity === "error")).toBe(true);
        for (const { line, column } of found) {
          expect(line).toBeGreaterThan(0);
          expect(column).toBeGreaterThan(0);
        }
      }),
    );
  });
});
