/** From the text of a setting to its value; what is wrong is collected, so that all of it can be said at once. */
import { NO_CHANNEL } from "@rancheros/protocol/attestation";
import type { ListenAddress } from "../http/index.ts";
import { baseAddress } from "../rancher/index.ts";

/** Each method names the flag in what it finds wrong, and answers something harmless then. */
export class SettingReader {
  readonly problems: string[] = [];

  listen(flag: string, text: string): ListenAddress | undefined {
    if (text === "none") return undefined;
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[3]);
    if (match === null || port > 65_535) {
      this.problems.push(`--${flag}: ${JSON.stringify(text)} is neither HOST:PORT nor none`);
      return undefined;
    }
    return { host: match[1] ?? match[2] ?? "", port };
  }

  /** By the rule that holds for Rancher's setting server-url as well. */
  url(flag: string, text: string): string | undefined {
    if (text.trim() === "") return undefined;
    const address = baseAddress(text);
    if (address !== undefined) return address;
    // What may be a password or a token is not shown.
    const shown = text.replace(/^(.*?\/\/)?.*@/s, "$1...@").replace(/([?#]).*/s, "$1...");
    this.problems.push(
      `--${flag}: ${JSON.stringify(shown)} is no http or https address without credentials, spaces, question mark and hash sign`,
    );
    return undefined;
  }

  /** Of a Kubernetes object; it goes into a field selector. */
  objectName(flag: string, text: string): string | undefined {
    if (text === "none" || text === "") return undefined;
    if (text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text)) return text;
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no name of an object`);
    return undefined;
  }

  /** One: a list of them, as other operators take it, is none. */
  namespace(flag: string, text: string): string | undefined {
    if (text === "") return undefined;
    if (text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)) return text;
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no name of a namespace`);
    return undefined;
  }

  choice<Choice extends string>(flag: string, text: string, choices: readonly Choice[], fallback: Choice): Choice {
    const found = choices.find((one) => one === text);
    if (found === undefined) this.problems.push(`--${flag}: ${JSON.stringify(text)} is none of ${choices.join(", ")}`);
    return found ?? fallback;
  }

  channels(flag: string, text: string): readonly Buffer[] {
    const keys = text.split(",").filter((key) => key !== "");
    // Zeros stand for no TLS: who fills a place with them does not mean that.
    const wrong = keys.find((key) => key !== "none" && !/^(?!0{64})[0-9a-f]{64}$/i.test(key));
    if (wrong === undefined) return keys.map((key) => (key === "none" ? NO_CHANNEL : Buffer.from(key, "hex")));
    this.problems.push(`--${flag}: ${JSON.stringify(wrong)} is neither the SHA-256 of a key, 64 hex digits, nor none`);
    return [];
  }

  /** @param longest  in seconds */
  seconds(flag: string, text: string, longest: number): number {
    if (/^\d{1,5}$/.test(text) && Number(text) <= longest) return Number(text);
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no number from 0 to ${longest}`);
    return 0;
  }

  count(flag: string, text: string): number {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    this.problems.push(`--${flag}: ${JSON.stringify(text)} is no number from 1 to 999999`);
    return 1;
  }
}
