/** One of `write_files` */
import { gunzipSync } from "node:zlib";

import { pathProblem } from "../../files/index.ts";
import type { FileSetting } from "../cloud-config.ts";
import { flag, name, readMap, text, textLike, type Judge, type Reader } from "../judge.ts";
import { FILE_MAX_BYTES } from "../limits.ts";
import type { Located, Position } from "../located.ts";
import { permissions } from "./permissions.ts";

/** Source: cloud-init, Write files */
const ENCODINGS: Readonly<Record<string, { readonly isBase64: boolean; readonly isGzip: boolean }>> = {
  "text/plain": { isBase64: false, isGzip: false },
  b64: { isBase64: true, isGzip: false },
  base64: { isBase64: true, isGzip: false },
  gz: { isBase64: false, isGzip: true },
  gzip: { isBase64: false, isGzip: true },
  "gz+b64": { isBase64: true, isGzip: true },
  "gz+base64": { isBase64: true, isGzip: true },
  "gzip+b64": { isBase64: true, isGzip: true },
  "gzip+base64": { isBase64: true, isGzip: true },
};
const DEFAULT_MODE = 0o644;
const OWNER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export const fileSetting: Reader<FileSetting> = (judge, node, path) => {
  let filePath: string | undefined;
  let raw: { readonly bytes: Buffer; readonly at: Position; readonly path: string } | undefined;
  let encoding = "text/plain";
  let mode: number | undefined = DEFAULT_MODE;
  let owner = "root";
  const isMap = readMap(judge, node, path, {
    path: (value, inner) => void (filePath = filePathOf(judge, value, inner)),
    content: (value, inner) => {
      const bytes =
        value.kind === "scalar" && value.value instanceof Uint8Array ? value.value : text(judge, value, inner);
      if (bytes !== undefined) raw = { bytes: Buffer.from(bytes), at: value.at, path: inner };
    },
    encoding: (value, inner) => void (encoding = encodingOf(judge, value, inner) ?? encoding),
    permissions: (value, inner) => void (mode = permissions(judge, value, inner)),
    owner: (value, inner) => void (owner = textLike(OWNER, "user or user:group")(judge, value, inner) ?? owner),
    append: (value, inner) => {
      if (flag(judge, value, inner) === true) {
        judge.error(
          value.at,
          inner,
          "append is not supported, as applying twice would append twice: name a file of its own",
        );
      }
    },
    // All files are written after users are made.
    defer: (value, inner) => void flag(judge, value, inner),
  });
  if (isMap === undefined) return undefined;
  if (node.kind === "map" && !node.entries.has("path")) judge.error(node.at, path, `${name(path)} has no path`);
  const content = raw === undefined ? Buffer.alloc(0) : unpack(judge, raw, encoding);
  if (filePath === undefined || content === undefined || mode === undefined) return undefined;
  const [userName = "root", group] = owner.split(":");
  return { path: filePath, content, mode, user: userName, group };
};

function filePathOf(judge: Judge, node: Located, path: string): string | undefined {
  const value = text(judge, node, path);
  if (value === undefined) return undefined;
  const problem = pathProblem(value);
  return problem === undefined ? value : judge.error(node.at, path, `${name(path)} ${problem}`);
}

function encodingOf(judge: Judge, node: Located, path: string): string | undefined {
  const value = text(judge, node, path);
  if (value === undefined || Object.hasOwn(ENCODINGS, value)) return value;
  return judge.error(node.at, path, `${name(path)} has to be one of ${Object.keys(ENCODINGS).join(", ")}`);
}

function unpack(
  judge: Judge,
  { bytes, at, path }: { readonly bytes: Buffer; readonly at: Position; readonly path: string },
  encoding: string,
): Buffer | undefined {
  const { isBase64, isGzip } = ENCODINGS[encoding] ?? { isBase64: false, isGzip: false };
  let content = bytes;
  if (isBase64) {
    const packed = bytes.toString("latin1").replaceAll(/\s/g, "");
    if (!BASE64.test(packed)) return judge.error(at, path, `${name(path)} is not base64`);
    content = Buffer.from(packed, "base64");
  }
  if (!isGzip) return content;
  try {
    return gunzipSync(content, { maxOutputLength: FILE_MAX_BYTES });
  } catch (error) {
    const isLarge = error instanceof RangeError;
    return judge.error(
      at,
      path,
      isLarge ? `${name(path)} unpacks to more than ${FILE_MAX_BYTES} bytes` : `${name(path)} is not gzip`,
    );
  }
}
