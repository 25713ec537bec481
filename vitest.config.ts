import { defineConfig } from "vitest/config";
import { collectLess } from "./test/collect-less.ts";
import { keepCompiled } from "./test/compile-cache.ts";
import { LongestFirst, WORKERS } from "./test/longest-first.ts";

keepCompiled();
collectLess();

const EXPECT = {
  requireAssertions: true,
  // A deadline for what hangs, as the time that a test has: a second is less than the machine may stop for.
  poll: { timeout: 20_000 },
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/test/unit/**/*.test.ts", "test/unit/**/*.test.ts"],
          expect: EXPECT,
          // A deadline for what hangs, not a measure: property tests share two cores with whatever else runs there.
          testTimeout: 30_000,
          // Some make RSA keys, whose primes are found sooner or later.
          hookTimeout: 30_000,
          // A third of the time went into loading the same modules for each file.
          isolate: false,
        },
      },
      {
        test: {
          name: "integration",
          include: ["packages/*/test/integration/**/*.test.ts", "test/integration/**/*.test.ts"],
          expect: EXPECT,
          globalSetup: ["test/control-plane/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: WORKERS,
          // A file that changes something of its process gives it back: the modules are the same for all.
          isolate: false,
        },
      },
      {
        test: {
          name: "site",
          include: ["site/test/**/*.test.ts"],
          expect: EXPECT,
          globalSetup: ["site/test/build-site.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "metal",
          include: ["test/metal/**/*.test.ts"],
          // The short way: what everything else rests on.
          exclude:
            process.env["RANCHEROS_METAL_SHORT"] === "1"
              ? [
                  "test/metal/operator-in-cluster.test.ts",
                  "test/metal/other-system.test.ts",
                  "test/metal/arm64.test.ts",
                ]
              : [],
          expect: EXPECT,
          // A virtual machine without KVM takes both cores.
          maxWorkers: 1,
        },
      },
    ],
  },
});
