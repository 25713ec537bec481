/** A machine of which nothing answers but its TPM, which is well. */
import type { DoctorOutside } from "../../../src/doctor/doctor-outside.ts";
import { openSlots } from "../../../src/slots/index.ts";
import { createSoftwareMachine } from "../registration/software-machine.ts";

export const never = <T>(): Promise<T> => Promise.withResolvers<T>().promise;

export function silentMachine(): DoctorOutside {
  return {
    nowMs: () => 0,
    wallMs: () => Date.UTC(2026, 10, 1),
    readTpmState: () =>
      Promise.resolve({
        maker: "slow",
        isLockedOut: false,
        failedLogins: 0,
        maxFailedLogins: 32,
        lockoutIntervalSeconds: 7200,
        isEndorsementEnabled: true,
        hasEndorsementPassword: false,
        hasOwnerPassword: false,
      }),
    openTpm: () => Promise.resolve(createSoftwareMachine().tpm),
    readSmbios: never,
    readAgentState: never,
    probeOperator: () => {
      throw new Error("nobody asks it");
    },
    checkRegistration: never,
    lookUp: never,
    dial: never,
    isClockKept: never,
    readRegistered: never,
    readFileSystems: never,
    slots: openSlots({ hostRoot: "/nowhere", stateFolder: "/nowhere", runFolder: "/nowhere" }),
    readOtherStamp: never,
    findRuntime: never,
    askRuntime: never,
    connectKubernetes: never,
    ownNodeName: never,
    readPolicies: never,
    readWatchdog: never,
    readUnits: never,
    isSystemdBooted: () => true,
  };
}
