/** `ros-agent install` */
import { boolean, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { SUMMARIES } from "../summaries.ts";
import { TPM_FLAGS } from "../tpm-flags.ts";

export class Install extends AgentCommand {
  static override id = "install";
  static override summary = SUMMARIES.install;
  static override usage = "<%= command.id %> [FLAGS]";
  static override description =
    "Run in the live system: erases one disk and writes a boot loader, two slots for operating systems and the machine's " +
    "state to it. Settings come from the medium (/run/live/medium/config), the kernel's command line " +
    "(rancheros.install.*), the file or page that configUrl names, the operator's answer where registrationUrl is set, and " +
    "these flags; later ones win. Without a device the only disk that fits is taken, or the smallest solid-state one: never " +
    "one in use. Whoever is at a terminal is asked before anything is erased, whatever the operator answers, unless " +
    "another place says that nobody is to be asked, and with --ask also then. Broken off or killed at any point, it starts again from the beginning.";
  static override examples = [
    "$ ros-agent install --dry-run",
    "$ ros-agent install --device /dev/nvme0n1",
    "$ ros-agent install --config ./config.yaml --os-image registry.example.com/os@sha256:4f06f8a0... --yes",
  ];
  static override flags = {
    device: string({ description: "The disk: a path, or a name of /dev/disk/by-id.", helpValue: "DISK" }),
    config: string({
      description: "A cloud-config with rancheros.install. Default: /run/live/medium/config, where there is one.",
      helpValue: "FILE",
    }),
    "registration-url": string({ description: "Register with this operator first.", helpValue: "URL" }),
    "os-image": string({
      description: "Install this image, by its digest. Default: the live system installs itself.",
      helpValue: "IMAGE",
    }),
    source: string({
      description: "Install the operating system in this folder.",
      helpValue: "FOLDER",
      exclusive: ["os-image"],
    }),
    "slot-size": string({ description: "Of each of the two slots, such as 4GiB.", helpValue: "SIZE" }),
    yes: boolean({ char: "y", description: "Ask nobody: the same as rancheros.install.automatic=true." }),
    automatic: boolean({
      description:
        "Do nothing unless the settings say that nobody is to be asked, and erase no installed system unless they say " +
        "`reinstall`: what the live system's service runs.",
    }),
    ask: boolean({
      description: "Ask before anything is erased, whatever the settings say: what the live system's menu runs.",
      exclusive: ["yes", "automatic"],
    }),
    "dry-run": boolean({ description: "Write nothing, and show the disks and what would become of which." }),
    "power-off": boolean({ description: "Switch the machine off at the end." }),
    "no-restart": boolean({
      description: "Leave the live system running at the end, whose service then installs nothing by itself.",
      exclusive: ["power-off"],
    }),
    "allow-http": boolean({
      description: "Take a registration URL without TLS: whoever is on the way can change everything.",
    }),
    registries: string({ description: "Mirrors, CAs and accounts of registries, as k3s has them.", helpValue: "FILE" }),
    "work-folder": string({
      description: "Where the new file systems are mounted meanwhile, in a folder of their own.",
      helpValue: "FOLDER",
      default: "/run/rancheros-install",
    }),
    ...TPM_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Install);
    const { runInstall } = await import("../install-run.ts");
    const outcome = await runInstall({ flags, surroundings: this.surroundings, remark: (text) => this.remark(text) });
    if (!flags.json) this.print(outcome.sentence);
    if (outcome.restart !== undefined) {
      const { restartAfter } = await import("../restart-after.ts");
      await restartAfter(outcome.restart, outcome);
    }
    if (flags.json) this.printJson(outcome);
  }
}
