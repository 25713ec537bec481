/** Requests that are refused before any key is looked at. */
import { HEADER_MAX_BYTES, SMBIOS_MAX_ENTRIES } from "@rancheros/protocol/messages";
import type { Attack, Scene, Told } from "./attack.ts";
import { challenged, dialAndListen, ending, newTpm } from "./say.ts";

function smbios(json: string | Buffer): Record<string, string> {
  return { "X-Cattle-Smbios": Buffer.from(json).toString("base64") };
}

function attack(line: Attack["line"], what: string, reason: string, told: Attack["told"], run: Attack["run"]): Attack {
  return { line, what, reason, told, run };
}

const refused = (text: RegExp, code = 401): Attack["told"] => ({ via: "http", code, text });

/** Every honest thing, and this. */
async function beside(scene: Scene, headers: Record<string, string>): Promise<Told> {
  return dialAndListen({ url: scene.url, tpm: newTpm(scene), headers });
}

async function at(scene: Scene, path: string): Promise<Told> {
  return dialAndListen({ url: `${scene.origin}${path}`, tpm: newTpm(scene) });
}

const deep = `{"a":`.repeat(9) + `"b"` + "}".repeat(9);
const many = JSON.stringify(
  Object.fromEntries(Array.from({ length: SMBIOS_MAX_ENTRIES + 1 }, (_, key) => [key.toString(36), ""])),
);

export const REQUEST_ATTACKS: readonly Attack[] = [
  attack("token", "an unknown token", "REGISTRATION_UNKNOWN", refused(/does not exist/), async (scene) =>
    at(scene, "/v1-rancheros/registration/nosuchtoken"),
  ),
  attack("token", "no token", "REGISTRATION_UNKNOWN", refused(/does not exist/), async (scene) =>
    at(scene, "/v1-rancheros/registration/"),
  ),
  attack(
    "token",
    "the token with something behind it",
    "REGISTRATION_UNKNOWN",
    refused(/does not exist/),
    async (scene) => dialAndListen({ url: `${scene.url}x`, tpm: newTpm(scene) }),
  ),
  attack("channel", "no keys at all", "AUTHORIZATION_MISSING", refused(/Unauthorized/), async (scene) =>
    dialAndListen({ url: scene.url }),
  ),
  attack(
    "channel",
    "a shared secret where a TPM is asked for",
    "AUTHORIZATION_UNSUPPORTED",
    refused(/not supported/),
    async (scene) => dialAndListen({ url: scene.url, headers: { Authorization: "Bearer eDp5" } }),
  ),
  attack("channel", "a name and a password", "AUTHORIZATION_UNSUPPORTED", refused(/not supported/), async (scene) =>
    dialAndListen({ url: scene.url, headers: { Authorization: "Basic eDp5" } }),
  ),
  attack(
    "twice",
    "the configuration of a machine that is not known",
    "MACHINE_UNKNOWN",
    refused(/machine not found/),
    async (scene) => at(scene, "/v1-rancheros/inventory"),
  ),
  attack("size", "SMBIOS deeper than 8", "MESSAGE_SMBIOS_TOO_DEEP", refused(/deeper/), async (scene) =>
    beside(scene, smbios(deep)),
  ),
  attack("size", "SMBIOS of 2,001 entries", "MESSAGE_SMBIOS_TOO_MANY_ENTRIES", refused(/more than/), async (scene) =>
    beside(scene, smbios(many)),
  ),
  attack("size", "SMBIOS of numbers", "MESSAGE_SMBIOS_LEAF", refused(/text, lists and objects/), async (scene) =>
    beside(scene, smbios(`{"a":1}`)),
  ),
  attack("size", "SMBIOS that is no object", "MESSAGE_FIELDS", refused(/not an object/), async (scene) =>
    beside(scene, smbios(`["a"]`)),
  ),
  attack("size", "SMBIOS that is no JSON", "MESSAGE_NOT_JSON", refused(/JSON/), async (scene) =>
    beside(scene, smbios("abc")),
  ),
  attack("size", "SMBIOS in broken UTF-8", "MESSAGE_NOT_UTF8", refused(/UTF-8/), async (scene) =>
    beside(scene, smbios(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]))),
  ),
  attack("size", "SMBIOS with half a surrogate pair", "MESSAGE_NOT_UTF8", refused(/UTF-8/), async (scene) =>
    beside(scene, smbios(String.raw`{"a":"\ud800"}`)),
  ),
  attack("size", "SMBIOS that is no base64", "MESSAGE_NOT_BASE64", refused(/illegal base64/), async (scene) =>
    beside(scene, { "X-Cattle-Smbios": "%%%" }),
  ),
  attack("size", "headers of 40 KiB", "REQUEST_TOO_LARGE", refused(/headers have more than/, 431), async (scene) =>
    beside(scene, { "X-Cattle-Smbios": "A".repeat(HEADER_MAX_BYTES + 8_192) }),
  ),
  attack("size", "keys that are no base64", "MESSAGE_NOT_BASE64", refused(/illegal base64/), async (scene) =>
    dialAndListen({ url: scene.url, headers: { Authorization: "Bearer TPM%%%" } }),
  ),
  attack("size", "keys that are no JSON", "MESSAGE_NOT_JSON", refused(/JSON/), async (scene) =>
    dialAndListen({ url: scene.url, headers: { Authorization: "Bearer TPMYWJj" } }),
  ),
  attack("ek", "neither of the keys", "MESSAGE_FIELDS", refused(/EK: is missing; AK: is missing/), async (scene) =>
    dialAndListen({ url: scene.url, headers: { Authorization: "Bearer TPMe30=" } }),
  ),
  {
    ...attack("size", "an answer of 60 KiB", "MESSAGE_TOO_LARGE", refused(/more than/), async (scene) => {
      const session = await challenged(scene);
      session.socket.send("x".repeat(60 * 1024));
      return ending(session);
    }),
    told: { via: "close", code: 1008, text: /more than/ },
  },
  {
    ...attack("size", "an answer of 1 MB", "SESSION_BROKEN", refused(/./), async (scene) => {
      const session = await challenged(scene);
      session.socket.send("x".repeat(1_000_000));
      return ending(session);
    }),
    told: { via: "close", code: 1009, text: /^/ },
  },
];
