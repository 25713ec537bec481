import { describe, expect, it } from "vitest";

import { judgeDocument, judgeKernelWords, judgeSections } from "../../../src/install/judge-document.ts";

const told = (document: unknown) =>
  judgeDocument(document).map(({ severity, path, sentence }) => `${severity} ${path.join(".")} ${sentence}`);

describe("what a document says of the installation", () => {
  it("is judged under its own names", () => {
    expect(told({ RancherOS: { in_stall: { Slot_Size: "big", devcie: "x" } } })).toEqual([
      "error RancherOS.in_stall.Slot_Size is no size such as 4GiB",
      "error RancherOS.in_stall.devcie is not known here. Did you mean device?",
    ]);
    expect(told({ rancheros: {}, install: { isoUrl: "x" } })).toEqual([
      "warning install.isoUrl means nothing here: the live system installs itself, or set osImage",
    ]);
    const twice = { rancherOS: { install: { device: "a" } }, rancheros: { install: { automatic: "maybe" } } };
    expect(told(twice)).toEqual(["error rancheros.install.automatic is neither true nor false"]);
  });

  it("is at the deepest place that the document has", () => {
    expect(told({ rancheros: { install: { tty: ["a;b"] } } })).toEqual([
      "error rancheros.install has characters that mean something to GRUB",
    ]);
  });

  it("may stand beside it under a name that was meant to be install", () => {
    expect(judgeSections({ rancheros: { instal: { device: "x" }, install: {}, registration: {} } })).toEqual([
      {
        severity: "error",
        path: ["rancheros", "instal"],
        sentence: "is not known here. Did you mean install?",
        of: "key",
      },
      { severity: "warning", path: ["rancheros", "registration"], sentence: "is not known here", of: "key" },
    ]);
    for (const document of [undefined, null, "x", [], { rancheros: 7 }, { instal: {} }])
      expect(judgeSections(document)).toEqual([]);
  });

  it("may be a word of the kernel's", () => {
    const words = "quiet rancheros.slot=a rancheros.trial=1 rancheros.x.y=1 rancheros.install.device=/dev/a";
    expect(judgeKernelWords(words)).toEqual([]);
    expect(judgeKernelWords(`${words} rancheros.instal.device=/dev/b`)).toMatchObject([
      { severity: "error", path: ["rancheros", "instal"] },
    ]);
  });
});
