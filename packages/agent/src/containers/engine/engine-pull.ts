/** How docker, podman and nerdctl are told to load an image from the relay. */
import { parsePinnedImage, platformText, type PinnedImage } from "../../images/index.ts";
import { hostsToml } from "../hosts-toml.ts";
import type { LoadCall } from "../driver.ts";
import { markTag } from "../mark.ts";
import type { EngineKind } from "./engine-arguments.ts";

export interface EnginePull {
  /** In order; the arguments after those of the runtime. */
  readonly steps: readonly (readonly string[])[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The name under which the engine keeps the image. docker keeps no name with a digest that it did not pull from there
 * itself, so it gets a tag of this program's own.
 */
export function storedName(kind: EngineKind, image: PinnedImage): string {
  return kind === "docker" ? markTag(image) : image.name;
}

/** The image of a container as the engine knows it: what was pulled by digest goes by the name that it is kept under. */
export function runnableName(kind: EngineKind, image: string): string {
  return kind === "docker" && image.includes("@") ? storedName(kind, parsePinnedImage(image)) : image;
}

/** Writes what the engine has to read, with the relay's login in it, into the folder. */
export function preparePull(kind: EngineKind, call: LoadCall): Promise<EnginePull> {
  return PREPARATIONS[kind](call, Buffer.from(`${call.relay.username}:${call.relay.password}`).toString("base64"));
}

const PREPARATIONS: Readonly<Record<EngineKind, (call: LoadCall, login: string) => Promise<EnginePull>>> = {
  async nerdctl({ description, relay, folder }, login) {
    const { image, platform } = description;
    await folder.write("hosts/_default/hosts.toml", hostsToml(relay.host, login));
    const pull = ["pull", "--quiet", "--platform", platformText(platform), image.name];
    return { steps: [["--hosts-dir", `${folder.path}/hosts`, ...pull]], environment: {} };
  },
  async podman({ description, relay, folder }, login) {
    const { image, platform } = description;
    const registries = [
      "[[registry]]",
      `prefix = "${image.host}/${image.repository}"`,
      `location = "${relay.host}/${image.repository}"`,
      "insecure = true",
      "",
    ];
    const authFile = await folder.write("auth.json", authsJson(relay.host, login));
    const file = await folder.write("registries.conf", registries.join("\n"));
    const pull = ["pull", "--quiet", "--authfile", authFile, "--platform", platformText(platform), image.name];
    return { steps: [pull], environment: { CONTAINERS_REGISTRIES_CONF: file } };
  },
  async docker({ description, relay, folder }, login) {
    const { image, platform } = description;
    await folder.write("config.json", authsJson(relay.host, login));
    const atRelay = `${relay.host}/${image.repository}@${image.digest}`;
    const steps = [
      ["pull", "--quiet", "--platform", platformText(platform), atRelay],
      ["tag", atRelay, storedName("docker", image)],
    ];
    return { steps, environment: { DOCKER_CONFIG: folder.path } };
  },
};

function authsJson(host: string, login: string): string {
  return JSON.stringify({ auths: { [host]: { auth: login } } });
}
