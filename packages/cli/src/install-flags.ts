/** What `ros-agent install` was called with. */
import type { Surroundings } from "./surroundings.ts";

export interface InstallFlagValues {
  readonly device: string | undefined;
  readonly config: string | undefined;
  readonly "registration-url": string | undefined;
  readonly "os-image": string | undefined;
  readonly source: string | undefined;
  readonly "slot-size": string | undefined;
  readonly yes: boolean;
  readonly automatic: boolean;
  readonly ask: boolean;
  readonly "dry-run": boolean;
  readonly "power-off": boolean;
  readonly "no-restart": boolean;
  readonly "allow-http": boolean;
  readonly registries: string | undefined;
  readonly "work-folder": string;
  readonly tcti: string | undefined;
}

export interface InstallRun {
  readonly flags: InstallFlagValues;
  readonly surroundings: Surroundings;
  readonly remark: (text: string) => void;
}
