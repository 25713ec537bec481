/** Operating systems that a machine must come back from, and one that installs itself. */
import { buildOsImage, type Image } from "../registry/index.ts";
import type { SystemVersion } from "./system-images.ts";

type Files = NonNullable<SystemVersion["files"]>;

/** The first program ends, which the kernel does not survive. */
export const PANICS: Files = {
  "usr/lib/rancheros/init": { content: "#!/bin/sh\nexit 1\n", isProgram: true },
};

export const UNHEALTHY_WORDS = "the storage is not there";

/** One of the administrator's checks fails; the boot check waits shorter than usual until it gives up. */
export const UNHEALTHY: Files = {
  "etc/rancheros/checks.d/storage": { content: `#!/bin/sh\necho "${UNHEALTHY_WORDS}"\nexit 1\n`, isProgram: true },
  "usr/lib/systemd/system/ros-agent-boot-check.service.d/10-patience.conf": {
    content: "[Service]\nExecStart=\nExecStart=/usr/bin/ros-agent boot-check --patience 40s\n",
  },
};

/** Where the image below writes down what it did, on the machine. */
export const SUC_TRACE = "/var/lib/suc-upgrades";

/**
 * As existing images do: it asks for a restart and ends with 1, and when it is started again says that all is done. It has no
 * release file, so that its own word is all that there is. (Without its path busybox would start a reboot of its own.)
 * Source: os2, framework/files/usr/sbin/suc-upgrade
 */
export function sucUpgradeImage(): Image {
  const upgradeScript = `#!/bin/sh
if [ -e /host${SUC_TRACE} ]; then
  echo "is done" >> /host${SUC_TRACE}
  exit 0
fi
echo "asks for a restart" > /host${SUC_TRACE}
sync
/bin/busybox nsenter -i -m -t 1 -- /sbin/reboot
exit 1
`;
  return buildOsImage({ release: undefined, upgradeScript });
}
