import { describe, expect, it } from "vitest";

import { consoleArguments, serialConsole } from "../../../src/install/serial-console.ts";
import { readSettings } from "../../../src/install/settings.ts";
import { documentFields, kernelFields, mergeFields } from "../../../src/install/settings-fields.ts";

describe("settings on the kernel's command line", () => {
  it("are found in any spelling", () => {
    const fields = kernelFields(
      'quiet rancheros.install.automatic rancheros.install.config_url="http://a/b c" RancherOS.Install.registrationURL=https://x ' +
        "rancheros.install.device-selector.min_size=20GiB rancheros.install.device_selector.type=SSD rancheros.install.slotSize=3g rancheros.installation.x=1",
    );
    expect(readSettings(fields)).toMatchObject({
      automatic: true,
      configUrls: ["http://a/b c"],
      registrationUrl: "https://x",
      slotBytes: 3 * 1024 ** 3,
      rule: { kind: "ssd", minBytes: 20 * 1024 ** 3, device: undefined },
      warnings: [],
    });
  });

  it("come more than once as a list", () => {
    const settings = readSettings(
      kernelFields(
        "rancheros.install.config_url=/a rancheros.install.config_url=/b rancheros.install.device=/dev/a rancheros.install.device=/dev/b",
      ),
    );
    expect(settings.configUrls).toEqual(["/a", "/b"]);
    expect(settings.rule.device).toBe("/dev/b");
  });
});

describe("settings in a document", () => {
  it("stand at rancheros.install, or at install", () => {
    for (const document of [{ rancheros: { install: { powerOff: true } } }, { install: { power_off: "yes" } }]) {
      expect(readSettings(documentFields(document)).powerOff).toBe(true);
    }
    for (const document of [null, "x", [], { rancheros: 7 }]) expect(documentFields(document)).toEqual({});
  });

  it("are all taken where two names are one and the same, as in an answer to which the operator added its own", () => {
    const device = "/dev/disk/by-id/boot-ssd";
    const automatic = true;
    expect(documentFields({ rancherOS: { install: { device } }, rancheros: { install: { automatic } } })).toEqual({
      device,
      automatic,
    });
    const selectors = { deviceSelector: { type: "ssd" }, device_selector: { maxSize: "9g", Type: "nvme" } };
    for (const document of [{ rancheros: { Install: selectors, install: { automatic } } }, { install: selectors }]) {
      expect(documentFields(document)).toMatchObject({ deviceselector: { type: "nvme", maxsize: "9g" } });
    }
  });

  it("give way to later ones, key by key", () => {
    const merged = mergeFields(
      { device: "a", deviceselector: { type: "ssd", model: "x" } },
      { device: "b", deviceselector: { type: "hdd" } },
    );
    expect(merged).toEqual({ device: "b", deviceselector: { type: "hdd", model: "x" } });
  });

  it("name every problem at once, and warn of what means nothing", () => {
    const bad = {
      automatic: "maybe",
      slotsize: "big",
      deviceselector: { type: "tape", colour: "red" },
      kernelarguments: "a;reboot",
    };
    expect(() => readSettings(bad)).toThrow(
      "automatic: is neither true nor false; deviceSelector.type: is none of ssd, hdd, nvme; deviceSelector.colour: is not known here; " +
        "slotSize: is no size such as 4GiB; kernelArguments: has characters that mean something to GRUB",
    );
    expect(readSettings({ isourl: "x", foo: 1 }).warnings).toEqual([
      "rancheros.install.isourl means nothing here: the live system installs itself, or set osImage",
      "rancheros.install.foo is not known here",
    ]);
  });

  it.each([
    ["devcie", { devcie: "/dev/sda" }, "devcie: is not known here. Did you mean device?"],
    [
      "deviceSelecter",
      { device_Selecter: { type: "nvme" } },
      "deviceselecter: is not known here. Did you mean deviceSelector?",
    ],
    ["registration", { registration: "https://x" }, "registration: is not known here. Did you mean registrationUrl?"],
    ["minSiz", { deviceSelector: { minSiz: "9g" } }, "deviceSelector.minsiz: is not known here. Did you mean minSize?"],
  ])("do not go without what was nearly told: %s", (_name, install, problem) => {
    const fields = documentFields({ rancheros: { install: { automatic: true, ...install } } });
    expect(() => readSettings(fields)).toThrow(`rancheros.install: ${problem}`);
  });

  it("are only warned about what other installers know", () => {
    const others = { silent: true, ejectCD: true, systemUri: "x", serverUrl: "x", token: "x", role: "x", reboot: true };
    expect(readSettings(documentFields({ install: others })).warnings).toEqual(
      Object.keys(others).map((key) => `rancheros.install.${key.toLowerCase()} is not known here`),
    );
  });
});

describe("consoles", () => {
  it("are taken over from the live system", () => {
    expect(consoleArguments("boot=live console=tty1 console=ttyS0,115200 quiet console=tty1")).toBe(
      "console=tty1 console=ttyS0,115200",
    );
    expect(serialConsole("console=tty1 console=ttyS1,115200n8")).toEqual({ unit: 1, speed: 115_200 });
    expect(serialConsole("console=tty1")).toBeUndefined();
    expect(serialConsole("console=ttyS0")).toEqual({ unit: 0, speed: 9600 });
  });
});

describe("what becomes of an installed machine that the network has started", () => {
  it.each([
    ["", "stay"],
    ["rancheros.install.installed=start", "start"],
    // As the operator's script has it, before what its registration says.
    ["rancheros.install.installed=start console=tty1 rancheros.install.installed=Stay", "stay"],
  ])("is said by the last word of it: %s", (words, installed) => {
    expect(readSettings(kernelFields(words)).installed).toBe(installed);
  });

  it.each(["true", "restart", 1])("is nothing else: %o", (installed) => {
    expect(() => readSettings({ installed })).toThrow("rancheros.install: installed: is neither start nor stay");
  });
});

describe("the leave to erase an installed system", () => {
  it.each([
    ["", { kind: "never" }],
    ["rancheros.install.reinstall=no", { kind: "never" }],
    ["rancheros.install.reinstall", { kind: "always" }],
    ["rancheros.install.reinstall=True", { kind: "always" }],
    ["rancheros.install.reinstall=2026-11", { kind: "once", name: "2026-11" }],
    ["rancheros.install.reinstall=true rancheros.install.reinstall=v3_b.1", { kind: "once", name: "v3_b.1" }],
  ])("is given always, once under a name, or not at all: %s", (words, reinstall) => {
    expect(readSettings(kernelFields(words)).reinstall).toEqual(reinstall);
  });

  it.each(["flase", "never", "7", "a b1", `${"x".repeat(64)}1`, ["2026-11", { a: 1 }]])(
    "is not given by what was meant as something else: %o",
    (reinstall) => {
      expect(() => readSettings({ reinstall })).toThrow(
        "rancheros.install: reinstall: is neither true nor false, nor a name with a digit such as 2026-11",
      );
    },
  );

  it("may be a number or a truth in YAML", () => {
    expect(readSettings({ reinstall: 2026 }).reinstall).toEqual({ kind: "once", name: "2026" });
    expect(readSettings({ reinstall: true }).reinstall).toEqual({ kind: "always" });
    expect(readSettings({ reinstall: null }).reinstall).toEqual({ kind: "never" });
  });
});
