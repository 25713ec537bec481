/** What is taken for a secret, in which forms it is found, and what looks like one. */
import { assert, property, string } from "fast-check";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

import { cpuMsOf, SOON_MS } from "../../../../../test/cpu-ms-of.ts";
import { journalText } from "../../../src/doctor/archive/journal-text.ts";
import { packArchive } from "../../../src/doctor/archive/pack-archive.ts";
import { REMOVED, secretNet } from "../../../src/doctor/archive/secret-net.ts";
import { secretValues, urlSecrets } from "../../../src/doctor/archive/secret-values.ts";
import { suspectSpans } from "../../../src/doctor/archive/suspect-spans.ts";
import { makeTar } from "../../../src/doctor/archive/tar-file.ts";
import { readTar } from "../../../src/slots/index.ts";

const SECRET = "canary0123456789abcdef";

describe("the net", () => {
  const forms = (secret: string): readonly string[] => [
    secret,
    Buffer.from(secret).toString("hex"),
    Buffer.from(secret).toString("hex").toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret),
    ...["", "x", "xy"].map((before) => Buffer.from(`${before}${secret}tail`).toString("base64")),
    ...["", "x", "xy"].map((before) => Buffer.from(`${before}${secret}tail`).toString("base64url")),
  ];

  it("finds a secret in every form, anywhere in a text, and leaves nothing of it", () => {
    const text = string({ unit: "grapheme", minLength: 10, maxLength: 40 }).filter((one) => one.trim().length >= 10);
    assert(
      property(text, string(), string(), (secret, before, after) => {
        const net = secretNet([secret]);
        for (const form of forms(secret)) {
          const whole = `${before}${form}${after}`;
          expect(net.isIn(Buffer.from(whole))).toBe(true);
          const { text: hidden, places } = net.hide(whole);
          expect(places).toBeGreaterThan(0);
          expect(net.isIn(Buffer.from(hidden))).toBe(false);
        }
      }),
    );
  });

  it("finds none where there is none, and nothing shorter than six bytes", () => {
    const net = secretNet([SECRET, "abc", ""]);
    expect(net.isIn(Buffer.from("abc canary0123 nothing"))).toBe(false);
    expect(net.hide("äbc abc").text).toBe("äbc abc");
  });

  it("hides what lies over each other, whole", () => {
    expect(secretNet(["secretone", "onetwothree"]).hide("a secretonetwothree b").text).toBe("a [removed] b");
    expect(secretNet(["secret", "secretlonger"]).hide("secretlonger").text).toBe("[removed]");
  });

  it("finds none in the word that stands in their place, whatever words a cloud-config has", () => {
    for (const word of ["remove", "removed", "devomer", "[removed]"]) {
      const net = secretNet([word]);
      expect(net.isIn(Buffer.from(net.hide(`a removed secret ${REMOVED}`).text)), word).toBe(false);
    }
  });

  it("refuses more secrets than it can look for", () => {
    expect(() => secretNet(Array.from({ length: 20_001 }, (_one, index) => `secret-${index}`))).toThrow(RangeError);
  });
});

describe("secrets of files", () => {
  const b64 = (text: string): string => Buffer.from(text).toString("base64");
  const gz = gzipSync(`#!/bin/sh\ncurl -u me:${SECRET}\n`).toString("base64");
  it.each([
    ["tree", `users:\n  - name: root\n    passwd: ${SECRET}\n`],
    ["tree", `write_files:\n  - path: /x\n    content: |\n      first line here\n      password is ${SECRET}\n`],
    ["tree", `write_files:\n  - path: /x\n    encoding: b64\n    content: ${b64(`TOKEN=${SECRET}`)}\n`],
    ["tree", `write_files:\n  - path: /x\n    encoding: gz+b64\n    content: ${gz}\n`],
    ["tree", `runcmd:\n  - [curl, -H, "Authorization: ${SECRET}"]\n`],
    ["tree", `rancheros:\n  install:\n    registrationURL: https://r.test/v1-rancheros/registration/${SECRET}\n`],
    ["tree", `rancherd:\n  server: https://user:${SECRET}@r.test\n`],
    ["tree", `configs:\n  r.test:\n    auth:\n      password: ${SECRET}\n`],
    ["tree", `unknown-key: ${SECRET}\n`],
    ["tree", `a: 1\n---\ntoken: ${SECRET}\n`],
    ["tree", `{"run":{"order":{"plan":{"cloudConfig":"passwd: ${SECRET}","upgrade":{"env":{"X":"${SECRET}"}}}}}}`],
    ["tree", `broken: [yaml ${SECRET}`],
    ["secret", `${SECRET}\n`],
    ["accounts", `root:${SECRET}:19000:0:::::\ndaemon:*:1::::::\n`],
    ["environment", `RANCHER_TOKEN="${SECRET}"\n`],
    ["environment", `HTTPS_PROXY=http://me:${SECRET}@proxy.test:3128\n`],
    ["key", `-----BEGIN PRIVATE KEY-----\n${SECRET}\nAAAA\n-----END PRIVATE KEY-----\n`],
  ] as const)("of a %s are found: %j", (kind, text) => {
    expect(secretNet(secretValues(kind, text)).isIn(Buffer.from(`x ${SECRET} y`))).toBe(true);
  });

  const K10 = `K10${"ab".repeat(32)}`;
  it.each([
    ["tree", "write_files:\n  - content: |\n      user=app\n      DB_PASSWORD=hunterin\n"],
    ["tree", "write_files:\n  - content: |\n      user: app\n      password: 'hunterin'  # of the database\n"],
    ["tree", `write_files:\n  - encoding: b64\n    content: ${b64("[app]\nsecret = hunterin\n")}\n`],
    ["tree", 'runcmd:\n  - "docker run -e API_TOKEN=hunterin app"\n'],
    ["tree", `write_files:\n  - content: '{"a":1,"clientSecret":"hunterin"}'\n`],
    ["tree", `rancherd:\n  token: ${K10}::server:hunterin\n`],
    ["secret", `${K10}::node:hunterin\n`],
    ["environment", `K3S_TOKEN=${K10}::server:hunterin\n`],
    ["environment", "K3S_URL=https://r.test\r\nK3S_TOKEN=hunterin\r\n"],
    ["environment", "export K3S_TOKEN=hunterin\n"],
    ["environment", "K3S_TOKEN='hunterin' # of the server\n"],
    ["environment", "K3S_ARGS='--flannel-backend none --token hunterin'\n"],
    ["tree", "runcmd:\n  - k3s server --token hunterin --disable traefik\n"],
    ["tree", `runcmd:\n  - 'k3s server --agent-token "hunterin"'\n`],
    ["tree", "runcmd:\n  - curl -sf -u me:hunterin https://r.test\n"],
    ["tree", "chpasswd:\n  list: |\n    root:hunterin\n    app:RANDOM\n"],
    ["tree", "chpasswd:\n  list: ['root:hunterin']\n"],
    ["tree", `{"auths":{"r.test":{"auth":"${b64("me:hunterin")}"}}}`],
    ["tree", `write_files:\n  - path: /x\n    content: !!binary ${b64("password: hunterin\n")}\n`],
    ["tree", `write_files:\n  - content: |\n      network={\n        psk="hunterin"\n      }\n`],
    ["tree", "wifi:\n  passphrase: hunterin\n"],
    ["tree", "datastore-endpoint: 'mysql://k3s:hunterin@tcp(db.example.com:3306)/k3s'\n"],
    ["environment", "K3S_DATASTORE_ENDPOINT=mysql://k3s:hunterin@tcp(db.example.com:3306)/k3s\n"],
    ["environment", "K3S_ARGS='--datastore-endpoint=mysql://k3s:hunterin@tcp(db:3306)/k3s?x=y@z'\n"],
  ] as const)("of a %s are found though they are short words: %j", (kind, text) => {
    expect(secretNet(secretValues(kind, text)).isIn(Buffer.from("x hunterin y"))).toBe(true);
  });

  it.each(["98765432109876543210", "0x1F2E3D4C5B", "01234567", "123456e7", "1234567.50"])(
    "are found as they are written where they are the number %s",
    (number) => {
      for (const text of [`token: ${number}\n`, `a:\n  db-password: ${number}\n`, `tokens: [${number}]\n`]) {
        const { text: hidden } = secretNet(secretValues("tree", text)).hide(`it is ${number}.`);
        expect(hidden).toBe("it is [removed].");
      }
      expect(secretValues("tree", `port: ${number}\n`)).toEqual([]);
    },
  );

  it("are not what merely stands behind a colon or a flag", () => {
    const text =
      "runcmd:\n  - https://r.test/x\n  - docker run --restart always alpine:3.20.1\n  - kubelet --token-file /etc/kubelet/token --tokens --verbose\n";
    const net = secretNet(secretValues("tree", text));
    expect(net.isIn(Buffer.from("always 3.20.1 /etc/kubelet/token --verbose RANDOM //r.test"))).toBe(false);
  });

  it("are also found as a sentence behind a name, and not where a name tells of none", () => {
    const text = "write_files:\n  - content: |\n      password: correct horse battery\n      colour: turquoise\n";
    const net = secretNet(secretValues("tree", text));
    expect(net.isIn(Buffer.from("it is correct horse battery"))).toBe(true);
    expect(net.isIn(Buffer.from("turquoise"))).toBe(false);
  });

  it.each([
    [
      "a bomb of aliases",
      `a: &a [${SECRET}]\n${Array.from({ length: 30 }, (_one, index) => `b${index}: [*a, *a]`).join("\n")}`,
    ],
    ["nesting without end", `${"[".repeat(5_000)}${SECRET}`],
  ])("are still found in %s", (_name, text) => {
    expect(secretNet(secretValues("tree", text)).isIn(Buffer.from(SECRET))).toBe(true);
  });

  it("are not the words that everybody knows", () => {
    const text =
      "users:\n  - name: root\nwrite_files:\n  - path: /etc/app.conf\n    permissions: '0600'\nntp:\n  enabled: true\n";
    const net = secretNet(secretValues("tree", text));
    expect(net.isIn(Buffer.from("root /etc/app.conf 0600 true enabled"))).toBe(false);
  });

  it("of addresses are passwords, tokens in the path and in the query, also encoded", () => {
    expect(urlSecrets("see https://a:pass%2Fword1@r.test/boot/tokentoken123456?k=querytoken1 now")).toEqual(
      expect.arrayContaining(["a:pass%2Fword1", "pass/word1", "tokentoken123456", "querytoken1"]),
    );
    expect(urlSecrets("https://r.test/v1-rancheros/registration")).toEqual([]);
    expect(urlSecrets("mysql://k3s:pa/ss@wor%64@tcp(db.test:3306)/k3s")).toEqual(
      expect.arrayContaining(["k3s:pa/ss@wor%64", "pa/ss@wor%64", "pa/ss@word"]),
    );
    expect(urlSecrets("postgres://tok|en@db.test/k3s")).toEqual([]);
    expect(urlSecrets("docker://r.test:5000/os@sha256:abab")).toEqual([]);
  });
});

describe("what looks like a secret in a text", () => {
  const redactText = (text: string): string => secretNet([]).hide(text, suspectSpans(text)).text;

  it.each([
    `Authorization: Bearer ${SECRET}`,
    `"authorization":"Basic ${SECRET}"`,
    `curl --token ${SECRET} x`,
    `password=${SECRET}`,
    `"clientSecret": "${SECRET}"`,
    `db_password: '${SECRET}'`,
    `https://me:${SECRET}@r.test/x`,
    `GET /v1-rancheros/registration/${SECRET} 401`,
    `https://r.test/boot/${SECRET}/ipxe`,
    `https://r.test/v3/import/${SECRET}_c-1.yaml`,
    `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\nabc\n${SECRET}`,
    `eyJhbGciOiJSUzI1NiJ9.${SECRET}.sig`,
    `hash $6$salt$${SECRET}`,
    `Cookie: session=${SECRET}`,
    `K10${"ab".repeat(32)}::server:${SECRET}`,
    `msg="body {\\"username\\":\\"bob\\",\\"password\\":\\"two, ${SECRET}\\"}" code=401`,
    String.raw`{"log":"{\"token\": \"${SECRET}\",\"a\":1}"}`,
    String.raw`msg="{\"password\":\"quo\\\"te ${SECRET}\"}"`,
    `{"auths":{"r.test":{"auth":"${SECRET}"}}}`,
    `login --password "two ${SECRET}" x`,
  ])("is taken out: %j", (text) => {
    expect(redactText(text)).not.toContain(SECRET);
  });

  it.each(
    [
      "token passwd PASSWORD passphrase secret credential private_key auth authorization api-key accessKey client_key",
      "encryption-key signingKey pwd psk cookie session_id",
    ].flatMap((line) => line.split(" ")),
  )("is what stands behind the name %s, as it is in a file of this machine", (name) => {
    expect(redactText(`x ${name}=hunterin y`)).not.toContain("hunterin");
    expect(secretValues("tree", `write_files:\n  - content: |\n      a=b\n      ${name}=hunterin\n`)).toContain(
      "hunterin",
    );
    expect(secretValues("environment", `X_${name.replaceAll("-", "_")}=hunterin\n`)).toContain("hunterin");
  });

  it("leaves digests, addresses, times and sentences", () => {
    const options = "--authorization-mode=Node,RBAC --tls-min-version VersionTLS12 author=me session opened";
    expect(redactText(options)).toBe(options);
    const text = `2026-06-01T00:00:00.000Z <6> ros-agent: pulling r.test:5000/os@sha256:${"ab".repeat(32)} from 10.0.0.1 (DOCTOR_TPM_FAILED_LOGINS)`;
    expect(redactText(text)).toBe(text);
  });

  it("is looked for in time, however long a word is", () => {
    for (const hostile of [
      "a".repeat(400_000),
      "a.".repeat(200_000),
      "token".repeat(80_000),
      "-----BEGIN PRIVATE KEY-----".repeat(15_000),
      "://".repeat(130_000),
      "token=".repeat(70_000),
      `token${" ".repeat(400_000)}`,
      `token${"\\".repeat(400_000)}`,
      `token=\\"${"a".repeat(500)}`.repeat(700),
    ]) {
      const cpuMs = cpuMsOf(() => {
        redactText(hostile);
        secretValues("tree", hostile);
      });
      expect(cpuMs).toBeLessThan(SOON_MS);
    }
  });
});

describe("a journal", () => {
  it("is told in lines, without what else an entry has", () => {
    const entries = [
      {
        MESSAGE: "hello",
        PRIORITY: "6",
        SYSLOG_IDENTIFIER: "ros-agent",
        __REALTIME_TIMESTAMP: "1780000000000000",
        _CMDLINE: SECRET,
      },
      { MESSAGE: [104, 105], PRIORITY: "9" },
      { NO: "message" },
    ];
    const text = [...entries.map((one) => JSON.stringify(one)), "no json", "7", ""].join("\n");
    expect(journalText(text)).toBe("2026-05-28T20:26:40.000Z <6> ros-agent: hello\n? <?> ?: hi\n");
    expect(journalText("")).toBe("");
  });

  it("cuts a message that is too long at a word, as half a secret is not known", () => {
    const message = `${"x ".repeat(4_090)}${SECRET}${SECRET}`;
    expect(journalText(JSON.stringify({ MESSAGE: message }))).not.toContain("canary");
  });
});

describe("an archive", () => {
  const net = secretNet([SECRET, "outcome", "12345678"]);
  const pack = (parts: Parameters<typeof packArchive>[0]): ReturnType<typeof packArchive> =>
    packArchive(parts, { net, folder: "f", nowMs: 0 });

  it("has a secret nowhere: in texts, values, numbers, and in words that are keys as well", () => {
    const value = {
      outcome: "ok",
      list: [`x${SECRET}`],
      number: 12_345_678,
      inner: { text: JSON.stringify({ a: SECRET }) },
    };
    const { files, removed } = pack([
      { path: "a.txt", kind: "text", text: `a ${SECRET}` },
      { path: "b.json", kind: "json", value },
    ]);
    expect(files).toEqual(["f/a.txt", "f/b.json"]);
    expect(removed).toBe(3);
  });

  it("is bounded, keeps the end of a log, and begins it at a line", () => {
    const log = Array.from({ length: 100_000 }, (_one, index) => `line ${index} ${"y".repeat(40)}`).join("\n");
    const parts = Array.from(
      { length: 40 },
      (_one, index) => ({ path: `${index}.txt`, kind: "text", text: log }) as const,
    );
    const { bytes, files } = pack([...parts.slice(0, 1), ...parts]);
    const tar = gunzipSync(bytes).toString("latin1");
    expect(tar.length).toBeLessThan(5 * 1024 * 1024);
    expect(files.length).toBeLessThan(20);
    expect(tar.slice(512)).toMatch(/^\[what came before is left out\]\nline \d+ y+\n/);
    expect(tar).toContain(`line 99999 ${"y".repeat(40)}\0`);
  });

  it("is a tar that our own reader of layers takes", async () => {
    const files = [
      { path: "f/a.txt", content: Buffer.from("alpha") },
      { path: "f/empty", content: Buffer.alloc(0) },
      { path: "f/block", content: Buffer.alloc(512, "b") },
    ];
    const tar = makeTar(files, 1_780_000_000);
    const read: unknown[] = [];
    for await (const { entry, content } of readTar(Readable.from([tar]))) {
      read.push([entry.path.join("/"), entry.mode, await buffer(content)]);
    }
    expect(read).toEqual(files.map(({ path, content }) => [path, 0o600, content]));
    expect(() => makeTar([{ path: "has space", content: Buffer.alloc(0) }], 0)).toThrow(RangeError);
    expect(() => makeTar([{ path: "x".repeat(101), content: Buffer.alloc(0) }], 0)).toThrow(RangeError);
  });
});
