/** What templates may look up below `Hardware` is what an agent sends, and the pages name nothing else. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { describeTemplates, HARDWARE_PARTS } from "@rancheros/protocol/templates";

import { hardwareOf } from "../../../src/hardware/hardware.ts";
import { hardwareTree } from "../../../src/registration/index.ts";
import virtualMachine from "../hardware/testdata/virtual-machine.json" with { type: "json" };

const DOCS = fileURLToPath(new URL("../../../../../docs", import.meta.url));

/** Some virtual machines give their disks serial numbers. */
const disks = virtualMachine.told.disks.map((disk) => ({ ...disk, serial: "W470", model: "QEMU HARDDISK" }));
const hardware = hardwareTree(hardwareOf({ ...virtualMachine.told, disks }));

describe("templates over the hardware", () => {
  it("know all parts that an agent sends", () => {
    expect(Object.keys(hardware)).toEqual(HARDWARE_PARTS);
  });

  it("find a value for each placeholder in the pages", () => {
    const texts = globSync("**/*.md", { cwd: DOCS }).map((name) => readFileSync(`${DOCS}/${name}`, "utf8"));
    const named = texts.flatMap((text) =>
      [...text.matchAll(/\$\{(Hardware\/[^}\n]*)\}/g)].map(([, path = ""]) => path),
    );
    expect(named).toContain("Hardware/disks/0/serial");
    const machineInventoryLabels = Object.fromEntries(named.map((one, index) => [`l${index}`, `\${${one}}`]));
    const { labels } = describeTemplates({ machineInventoryLabels }, { ekHash: "ab", smbios: {}, hardware });
    expect(Object.values(labels).flatMap(({ empty }) => empty)).toEqual([]);
  });
});
