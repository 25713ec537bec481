/** The checks of the machine itself: firmware, disks, slots, boot loader, watchdog. */
import { otherSlotName, type StartedSlot } from "../slots/index.ts";
import { isSmbiosLost } from "../smbios/index.ts";
import { NOTHING, type Checkup } from "./checkup.ts";
import type { DoctorOutside } from "./doctor-outside.ts";
import { judgeDisks } from "./judge-disks.ts";
import { judgeImagePolicy } from "./judge-image-policy.ts";
import { judgeBootEntry, judgeSlots } from "./judge-slots.ts";
import { judgeSmbios } from "./judge-smbios.ts";
import { judgeWatchdog } from "./judge-watchdog.ts";
import { skipped, warn } from "./verdict.ts";

export function addMachineChecks(checkup: Checkup, outside: DoctorOutside): void {
  const { slots } = outside;
  checkup.add("smbios", {
    needs: NOTHING,
    run: async () => {
      try {
        return judgeSmbios(await outside.readSmbios());
      } catch (error) {
        // A machine without SMBIOS registers all the same.
        if (isSmbiosLost(error)) return warn(error);
        throw error;
      }
    },
  });
  checkup.add("disks", { needs: NOTHING, run: async () => judgeDisks(await outside.readFileSystems()) });
  const started = checkup.add<undefined, StartedSlot>("slots", {
    needs: NOTHING,
    run: async (_needed, signal) => {
      const found = slots.started();
      if (found === undefined) return skipped("this machine has no two slots: `ros-agent install` makes them");
      const running = await slots.stamp(found.slot);
      const other = await outside.readOtherStamp(otherSlotName(found.slot), signal);
      // Why they cannot be read is told by the check of the boot entry.
      const words = await slots.words().catch(() => undefined);
      const verdict = judgeSlots({ started: found, running, other, unproven: words?.unproven });
      return verdict.kind === "ok" || verdict.kind === "warn" ? { ...verdict, value: found } : verdict;
    },
  });
  checkup.add("boot-entry", {
    needs: started,
    run: async (found) => {
      const [words, bootCheck, running] = await Promise.all([
        slots.words(),
        slots.bootCheck(),
        slots.stamp(found.slot),
      ]);
      return judgeBootEntry({ started: found, words, bootCheck, digest: running?.digest });
    },
  });
  checkup.add("image-policy", { needs: NOTHING, run: async () => judgeImagePolicy(await outside.readPolicies()) });
  checkup.add("watchdog", {
    needs: NOTHING,
    run: async (_needed, signal) => judgeWatchdog(await outside.readWatchdog(signal), slots.started() !== undefined),
  });
}
