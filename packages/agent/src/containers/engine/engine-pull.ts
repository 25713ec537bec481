/** How docker, podman and nerdctl are told to load an image from the relay. */
import type { PinnedImage } from "../../images/index.ts";
import type { LoadCall } from "../driver.ts";
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
  if (kind !== "docker") return image.name;
  return `${image.host}/${image.repository}:ros-agent-${image.digest.replace(":", "-").slice(0, 71)}`;
}

/** Writes what the engine has to read, with the relay's login in it, into the folder. */
export async function preparePull(kind: EngineKind, call: LoadCall): Promise<EnginePull> {
  const { description, relay, folder } = call;
  const { image, platform } = description;
  const login = Buffer.from(`${relay.username}:${relay.password}`).toString("base64");
  const auths = JSON.stringify({ auths: { [relay.host]: { auth: login } } });
  const platformArguments = ["--platform", `${platform.os}/${platform.architecture}`];
  const atRelay = `${relay.host}/${image.repository}@${image.digest}`;
  switch (kind) {
    case "nerdctl": {
      const hosts = [
        `server = "http://${relay.host}"`,
        'capabilities = ["pull", "resolve"]',
        "[header]",
        `authorization = "Basic ${login}"`,
        "",
      ];
      await folder.write("hosts/_default/hosts.toml", hosts.join("\n"));
      const steps = [["--hosts-dir", `${folder.path}/hosts`, "pull", "--quiet", ...platformArguments, image.name]];
      return { steps, environment: {} };
    }
    case "podman": {
      const registries = [
        "[[registry]]",
        `prefix = "${image.host}/${image.repository}"`,
        `location = "${relay.host}/${image.repository}"`,
        "insecure = true",
        "",
      ];
      const authFile = await folder.write("auth.json", auths);
      const file = await folder.write("registries.conf", registries.join("\n"));
      const steps = [["pull", "--quiet", "--authfile", authFile, ...platformArguments, image.name]];
      return { steps, environment: { CONTAINERS_REGISTRIES_CONF: file } };
    }
    case "docker": {
      await folder.write("config.json", auths);
      const steps = [
        ["pull", "--quiet", ...platformArguments, atRelay],
        ["tag", atRelay, storedName("docker", image)],
      ];
      return { steps, environment: { DOCKER_CONFIG: folder.path } };
    }
  }
}
