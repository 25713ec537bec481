/** Channels of OS versions put together with what they need: registries, and Events. */
import type { ControllerParts } from "./controller/index.ts";
import type { RegistryOutside } from "./registry/index.ts";
import type { Settings } from "./settings/index.ts";
import type { EventFact, Metrics } from "./telemetry/index.ts";
import { runChannelController, type ChannelController } from "./versions/index.ts";

export interface OperatorChannelParts extends ControllerParts {
  readonly settings: Settings;
  readonly registry: RegistryOutside;
  /** Content of --registry-ca. */
  readonly registryCaPem: string | undefined;
  readonly record: (fact: EventFact) => void;
  readonly metrics: Pick<Metrics, "countChannelSync">;
}

export function startChannels(parts: OperatorChannelParts): ChannelController {
  const { settings, registry, registryCaPem, record, metrics } = parts;
  return runChannelController(parts, {
    registry,
    registrySettings: settings.registries,
    caPem: registryCaPem,
    podImage: settings.channelPodImage,
    count: (result) => metrics.countChannelSync(result),
    tell({ channel, reason, message, isTrouble }) {
      const regarding = { ...channel, kind: "ManagedOSVersionChannel" } as const;
      record({ regarding, type: isTrouble ? "Warning" : "Normal", action: "Synchronize", reason, note: message });
    },
  });
}
