/** What the checks ask of the world; index.ts hands it in. */
import type { ImagePolicy } from "@rancheros/protocol/signatures";

import type { ContainerRuntime, RuntimeSearch } from "../containers/index.ts";
import type { KubernetesClient } from "../kubernetes/index.ts";
import type { CheckOptions, CheckReport, OperatorProbe, ProbeOptions } from "../registration/index.ts";
import type { MachineSlots, SlotName, SlotStamp } from "../slots/index.ts";
import type { DecodedSmbios } from "../smbios/index.ts";
import type { Tpm, TpmState } from "../tpm/index.ts";
import type { AgentState } from "../upgrade/index.ts";
import type { FileSystem, UnreadableFileSystem } from "./judge-disks.ts";
import type { Unit } from "./judge-services.ts";
import type { WatchdogFacts } from "./judge-watchdog.ts";

export interface DoctorOutside {
  readonly nowMs: () => number;
  /** Of the wall clock. */
  readonly wallMs: () => number;
  readonly readTpmState: (signal: AbortSignal) => Promise<TpmState>;
  readonly openTpm: (signal: AbortSignal) => Promise<Tpm>;
  readonly readSmbios: () => Promise<DecodedSmbios>;
  readonly probeOperator: (options: ProbeOptions) => OperatorProbe;
  readonly checkRegistration: (options: CheckOptions) => Promise<CheckReport>;
  /** Whether the name servers know a name. @throws what node:dns throws */
  readonly lookUp: (hostname: string) => Promise<readonly string[]>;
  /** Whether a TCP connection comes about. @throws what node:net throws */
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<void>;
  /** Whether something keeps the clock right; undefined where nobody can be asked. */
  readonly isClockKept: (signal: AbortSignal) => Promise<boolean | undefined>;
  /** What the register service has saved; undefined where nothing is there. */
  readonly readRegistered: () => Promise<{ readonly path: string; readonly savedMs: number } | undefined>;
  readonly readAgentState: () => Promise<AgentState>;
  readonly readFileSystems: () => Promise<readonly (FileSystem | UnreadableFileSystem)[]>;
  readonly slots: MachineSlots;
  /** What the slot that does not run says of itself, without mounting it; undefined where it cannot be told. */
  readonly readOtherStamp: (slot: SlotName, signal: AbortSignal) => Promise<SlotStamp | "none" | undefined>;
  readonly findRuntime: () => Promise<RuntimeSearch>;
  /** @throws ContainerError where it does not answer */
  readonly askRuntime: (runtime: ContainerRuntime, signal: AbortSignal) => Promise<void>;
  /** @throws NodeApiError, KUBECONFIG_MISSING where this machine is no node */
  readonly connectKubernetes: () => Promise<KubernetesClient>;
  readonly ownNodeName: (client: KubernetesClient, signal: AbortSignal) => Promise<string>;
  /** @throws SignatureError SIGNATURE_POLICY_INVALID */
  readonly readPolicies: () => Promise<readonly ImagePolicy[]>;
  readonly readWatchdog: (signal: AbortSignal) => Promise<WatchdogFacts>;
  readonly isSystemdBooted: () => boolean;
  /** Undefined where systemd does not run, or does not say. */
  readonly readUnits: (names: readonly string[], signal: AbortSignal) => Promise<readonly Unit[] | undefined>;
}
