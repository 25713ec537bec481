/**
 * GRUB's environment block: 1024 bytes, a line a word, filled up with #.
 * Source: GRUB manual, "Environment block"; grub-core/lib/envblk.c
 */
import { SlotError } from "./errors.ts";

export const GRUB_ENVIRONMENT_BYTES = 1024;
const SIGNATURE = "# GRUB Environment Block\n";

export type GrubWords = ReadonlyMap<string, string>;

/** @throws SlotError SLOT_ENVIRONMENT_BROKEN */
export function readGrubEnvironment(block: Uint8Array): GrubWords {
  if (block.length !== GRUB_ENVIRONMENT_BYTES) throw broken(`it has ${block.length} bytes in place of 1024`);
  const text = Buffer.from(block).toString("utf8");
  if (!text.startsWith(SIGNATURE)) throw broken("it does not begin as one");
  const words = new Map<string, string>();
  for (const line of linesOf(text.slice(SIGNATURE.length))) {
    const at = line.indexOf("=");
    // Comments, and what fills it up.
    if (line.startsWith("#") || at < 1) continue;
    words.set(line.slice(0, at), line.slice(at + 1));
  }
  return words;
}

/** @throws SlotError SLOT_ENVIRONMENT_BROKEN where the words do not fit, or cannot be written */
export function writeGrubEnvironment(words: GrubWords): Buffer {
  let text = SIGNATURE;
  for (const [name, value] of words) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw broken(`${JSON.stringify(name)} is no name of a word`);
    text += `${name}=${value.replaceAll(/[\\\n]/g, (character) => `\\${character}`)}\n`;
  }
  const block = Buffer.alloc(GRUB_ENVIRONMENT_BYTES, "#");
  if (Buffer.byteLength(text) > block.length) throw broken("its words have more than 1024 bytes");
  block.write(text);
  return block;
}

/** Lines end at a line feed that no backslash stands before; backslashes go. */
function linesOf(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") line += text.charAt(++at);
    else if (character === "\n") {
      lines.push(line);
      line = "";
    } else line += character;
  }
  return [...lines, line];
}

function broken(why: string): SlotError {
  return new SlotError("SLOT_ENVIRONMENT_BROKEN", `GRUB's environment block cannot be used: ${why}`);
}
