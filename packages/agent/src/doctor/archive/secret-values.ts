/** Which texts of a machine's own files are secrets: all that are not known to be none. */
import { gunzipSync } from "node:zlib";
import { isPair, isScalar, parseAllDocuments, visit, type Document } from "yaml";

import { kernelWords } from "../../slots/index.ts";
import { parseEnvironmentFile } from "../environment-file.ts";
import { splitWords, unitWords } from "../unit-words.ts";
import { SECRET_NAME } from "./secret-name.ts";

/**
 * "tree": YAML or JSON; "secret": a token; "key": PEM; "accounts": /etc/shadow; "environment" and "kernel": NAME=VALUE;
 * "unit": of systemd.
 */
export type SecretFileKind = "tree" | "secret" | "key" | "accounts" | "environment" | "kernel" | "unit";

/** Keys whose value says nothing to a thief. In lower case, without `_` and `-`. */
const PLAIN_KEYS: ReadonlySet<string> = new Set(
  [
    "apiversion kind name namespace path permissions owner encoding hostname fqdn timezone role",
    "kubernetesversion rancherversion nodename device groups shell homedir home primarygroup gecos uid",
    "server registrationurl currentcontext context cluster user osimage reference digest image planid id",
    "version phase code bootid atms servers pools endpoint modules registry destination source target",
    "certificateauthority certificateauthoritydata clientcertificate clientcertificatedata clientkey",
    "registrationcacert cafile certfile keyfile tokenfile container cordon outcome slot proxyurl",
    "tlsservername automatic",
  ].flatMap((line) => line.split(" ")),
);
/** On the kernel's command line, and in the boot loader's words: what others say may be anything. */
export const SHOWN_KERNEL_WORDS: ReadonlySet<string> = new Set(
  [
    "rancheros.slot rancheros.trial root rootfstype ro rw quiet console panic init systemd.unit net.ifnames",
    "BOOT_IMAGE initrd good try reset",
  ].flatMap((line) => line.split(" ")),
);
const KNOWN_WORD = /^(true|false|yes|no|null|none|enabled|disabled|always|default|server|agent|cluster-init)$/i;
const ASSIGNMENT = /(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]{1,64})["']?[ \t]{0,8}[=:]/g;
/** What a command is given behind the name of a flag, but not the files that such flags name. */
const FLAG =
  /(?<![^\s"'])--([A-Za-z0-9-]{1,64})[ \t]{1,8}(?:"([^"\n]{1,256})"|'([^'\n]{1,256})'|([^\s"',;/-][^\s"',;]{0,256}))/g;
/** A name and its password: of curl, of `chpasswd`, of what registries call auth. */
const ACCOUNT = /(?:^|(?<=\s)(?:-u|--user)[ =]["']?)[A-Za-z0-9_.@-]{1,64}:(?!\/)([^\s"']{1,256})/g;
/** Of images and of cloud-init's `chpasswd`, which makes one up: what follows the colon is none. */
const NO_PASSWORD = /^(v?\d+(\.\d+)+.{0,40}|R|RANDOM)$/;
const VALUE_MAX_CHARACTERS = 1_024;
const MAX_ALIASES = 50;
const MAX_DEPTH = 64;
const MAX_DECODED_BYTES = 4 * 1024 * 1024;
/** A word of a script that may be a secret: long, of letters and digits. */
const WORD_MIN_CHARACTERS = 12;
const LINE_MIN_CHARACTERS = 8;

/** @returns what must not be seen anywhere; never throws: what cannot be read is secret as a whole */
export function secretValues(kind: SecretFileKind, text: string): readonly string[] {
  return READERS[kind](text);
}

const READERS: Readonly<Record<SecretFileKind, (text: string) => readonly string[]>> = {
  tree: treeSecrets,
  secret: (text) => freeSecrets(text),
  key: keySecrets,
  accounts: (text) =>
    text.split("\n").flatMap((line) => {
      const [, hash = ""] = line.split(":");
      return [hash, ...hash.split("$").filter((piece) => piece.length >= LINE_MIN_CHARACTERS)];
    }),
  kernel: (text) =>
    kernelWords(text).flatMap(([name, value = ""]) => (SHOWN_KERNEL_WORDS.has(name) ? [] : freeSecrets(value))),
  // Shells read them too, which take more for an assignment than systemd does.
  environment: (text) => [...environmentSecrets(parseEnvironmentFile(text)), ...namedSecrets(text.split(/[\r\n]+/))],
  unit: (text) =>
    unitWords(text).flatMap((words) => [
      ...namedSecrets(words),
      ...optionSecrets(words),
      ...[words, ...words.filter((word) => /\s/.test(word)).map(splitWords)].flatMap(joinSecrets),
      ...words.flatMap((word) => [...urlSecrets(word), ...tokenPasswords(word)]),
    ]),
};

/** Of a process: by the names of its variables, and of addresses in all of them. */
export function environmentSecrets(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = ""]) =>
    SECRET_NAME.test(name) ? [value, ...urlSecrets(value), ...tokenPasswords(value)] : urlSecrets(value),
  );
}

/** User names with passwords, and tokens in the path or the query, of addresses in a text. */
export function urlSecrets(text: string): readonly string[] {
  const found = text.match(/[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi) ?? [];
  return found.flatMap((one) => [...accountSecrets(one), ...partSecrets(one)]).flatMap((one) => [one, decoded(one)]);
}

function partSecrets(address: string): readonly string[] {
  const url = URL.parse(address);
  if (url === null) return [address];
  const segments = url.pathname.split("/").filter((segment) => segment.length >= 16 && !/^[a-z.-]+$/.test(segment));
  const values = [...url.searchParams.values()].filter((value) => value.length >= LINE_MIN_CHARACTERS);
  const pair = url.password === "" ? [] : [`${url.username}:${url.password}`, url.password];
  return [...segments, ...values, ...pair];
}

/**
 * As it is written, also where that is no URL: `mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME`, of which the driver takes the
 * last @. Source: https://docs.k3s.io/datastore, https://github.com/go-sql-driver/mysql#dsn-data-source-name
 */
function accountSecrets(address: string): readonly string[] {
  const ends = URL.canParse(address) ? [/:\/\/([^/]*)@/] : [/:\/\/([^/]*)@/, /:\/\/(.*)@/];
  return ends.flatMap((end) => {
    const account = end.exec(address)?.[1] ?? "";
    const colon = account.indexOf(":");
    return colon === -1 || colon === account.length - 1 ? [] : [account, account.slice(colon + 1)];
  });
}

function treeSecrets(text: string): readonly string[] {
  const found: string[] = [];
  try {
    for (const document of parseAllDocuments(text, { logLevel: "silent", prettyErrors: false })) {
      if (document.errors.length > 0) return freeSecrets(text);
      walk(document.toJS({ maxAliasCount: MAX_ALIASES }), "", found, 0);
      found.push(...writtenNumbers(document));
    }
  } catch {
    return freeSecrets(text);
  }
  return found;
}

/** What means a number, in the form in which it is written: a token of nothing but digits is none to whoever logs it. */
function writtenNumbers(document: Document): readonly string[] {
  const found: string[] = [];
  visit(document, {
    Scalar(_at, { value, source }, path) {
      if (typeof value !== "number" || source === undefined) return;
      const pair = path.findLast((one) => isPair(one));
      const key = pair !== undefined && isScalar(pair.key) ? String(pair.key.value) : "";
      if (SECRET_NAME.test(key)) found.push(source);
    },
  });
  return found;
}

function walk(value: unknown, key: string, found: string[], depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deep");
  // Of !!binary.
  if (value instanceof Uint8Array) return void found.push(...freeSecrets(Buffer.from(value).toString("utf8")));
  if (Array.isArray(value)) {
    for (const item of value) walk(item, key, found, depth + 1);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) walk(inner, name, found, depth + 1);
  } else if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
    const text = String(value);
    const isPlain = PLAIN_KEYS.has(key.toLowerCase().replaceAll(/[_-]/g, ""));
    if (isPlain) found.push(...urlSecrets(text));
    else if (typeof value === "string" || SECRET_NAME.test(key)) found.push(...freeSecrets(text));
  }
}

/** Of a text that may be a secret or hold some: itself, its lines, its words, and what is encoded in it. */
function freeSecrets(text: string, isDecoded = false): readonly string[] {
  const whole = text.trim();
  if (KNOWN_WORD.test(whole)) return [];
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.length >= LINE_MIN_CHARACTERS);
  const words = lines
    .flatMap((line) => [...line.split(/[^A-Za-z0-9+=_.~-]+/), ...line.split(/[^A-Za-z0-9+_.~-]+/)])
    .filter(isSecretWord);
  return [
    ...(lines.length > 1 ? [] : [whole]),
    ...lines,
    ...words,
    ...urlSecrets(text),
    ...keySecrets(text),
    ...namedSecrets(lines),
    ...tokenPasswords(text),
    ...(isDecoded ? [] : decodedSecrets(whole)),
  ];
}

/** Of `NAME=VALUE` and `name: value` whose name says so, in files within files: the value, with and without what follows. */
function assignedSecrets(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) =>
    [...line.matchAll(ASSIGNMENT)].flatMap(({ index, 0: { length }, 1: name = "" }) => {
      if (!SECRET_NAME.test(name)) return [];
      const rest = line.slice(index + length, index + length + VALUE_MAX_CHARACTERS).trim();
      const [, quoted, word] = /^(?:["']([^"']+)["']|([^\s"',;]+))/.exec(rest) ?? [];
      return [rest, quoted ?? word ?? ""].filter((value) => !KNOWN_WORD.test(value));
    }),
  );
}

/** Whatever stands behind a name that says so, in lines of any language. */
function namedSecrets(lines: readonly string[]): readonly string[] {
  const flagged = lines.flatMap((line) =>
    [...line.matchAll(FLAG)].flatMap(([, name = "", double, single, word = ""]) =>
      isSecretFlag(name) ? [double ?? single ?? word] : [],
    ),
  );
  const passwords = lines.flatMap((line) =>
    [...line.matchAll(ACCOUNT)].flatMap(([, word = ""]) => (NO_PASSWORD.test(word) ? [] : [word])),
  );
  return [...assignedSecrets(lines), ...flagged, ...passwords];
}

/** Of a command line that is in words already. */
function optionSecrets(words: readonly string[]): readonly string[] {
  return words.flatMap((word, at) => {
    const [, name] = /^--([A-Za-z0-9-]{1,64})$/.exec(word) ?? [];
    const value = words[at + 1];
    return name !== undefined && isSecretFlag(name) && value !== undefined && !/^[-/]/.test(value) ? [value] : [];
  });
}

/**
 * `k3s server -t TOKEN`, and how Go's flags may be written besides: with one dash, with =.
 * Source: https://docs.k3s.io/cli/agent, "Cluster Options"
 */
function joinSecrets(words: readonly string[]): readonly string[] {
  const program = words.findIndex((word) => /(?:^|[/@:+!-])(?:k3s|rke2)$/.test(word));
  const role = words.findIndex((word, at) => program !== -1 && at > program && /^(?:server|agent)$/.test(word));
  return words.flatMap((word, at) => {
    const [, name, given] = /^--?([A-Za-z0-9-]{1,64})(?:=(.{1,1024}))?$/.exec(word) ?? [];
    if (role === -1 || at < role || name === undefined || !(name === "t" || isSecretFlag(name))) return [];
    const value = given ?? words[at + 1] ?? "";
    return /^[-/]/.test(value) || KNOWN_WORD.test(value) ? [] : [value];
  });
}

/** But not the names of the files that such flags name. */
function isSecretFlag(name: string): boolean {
  return SECRET_NAME.test(name) && !/-(file|path|dir)$/.test(name);
}

/** Of tokens of k3s and RKE2. Source: https://docs.k3s.io/cli/token, "Secure" */
function tokenPasswords(text: string): readonly string[] {
  return [...text.matchAll(/K10[0-9a-f]{64}::(?:[^\s:"']{1,64}:)?([^\s"',]{1,256})/gi)].map(([, word = ""]) => word);
}

function isSecretWord(word: string): boolean {
  return word.length >= WORD_MIN_CHARACTERS && /[0-9]/.test(word) && /[A-Za-z]/.test(word);
}

/** What write_files and Secrets have in base64, compressed or not. */
function decodedSecrets(text: string): readonly string[] {
  const compact = text.replaceAll(/\s+/g, "");
  if (compact.length < LINE_MIN_CHARACTERS || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(compact)) return [];
  let bytes = Buffer.from(compact, "base64");
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MAX_DECODED_BYTES });
    } catch {
      return [];
    }
  }
  const inner = bytes.toString("utf8");
  return inner.includes("\ufffd") ? [] : freeSecrets(inner, true);
}

/** The lines of private keys, as they are and joined. */
function keySecrets(text: string): readonly string[] {
  const blocks =
    text.match(/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/g) ??
    [];
  return blocks.flatMap((block) => {
    const lines = block
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.length >= LINE_MIN_CHARACTERS && !line.startsWith("-----"));
    return [block, ...lines, lines.join("")];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
