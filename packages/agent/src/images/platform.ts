/** Which images run on this node's processor. */

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

/** Node's names of processors to those of image manifests (Go's). */
const ARCHITECTURES: Readonly<Record<string, Pick<Platform, "architecture" | "variant">>> = {
  x64: { architecture: "amd64", variant: undefined },
  arm64: { architecture: "arm64", variant: "v8" },
  arm: { architecture: "arm", variant: "v7" },
  riscv64: { architecture: "riscv64", variant: undefined },
  s390x: { architecture: "s390x", variant: undefined },
  ppc64: { architecture: "ppc64le", variant: undefined },
};

/** @param arch  as `process.arch` has it */
export function nodePlatform(arch: string): Platform {
  return { os: "linux", ...(ARCHITECTURES[arch] ?? { architecture: arch, variant: undefined }) };
}

/** As runtimes take and print it: linux/amd64, linux/arm/v7. */
export function platformText(platform: Platform): string {
  const { os, architecture, variant } = platform;
  // v8 is the only arm64 that there is, and runtimes leave it out.
  const shown = variant === undefined || (architecture === "arm64" && variant === "v8") ? [] : [variant];
  return [os, architecture, ...shown].join("/");
}

/**
 * How well an image for `offered` runs on `node`; undefined for not at all.
 * @returns 0 for the same, more for an older variant of the processor
 * Source: containerd platforms, which takes amd64 without variant as v1 and arm without variant as v7
 */
export function platformDistance(node: Platform, offered: Platform): number | undefined {
  if (offered.os !== node.os || offered.architecture !== node.architecture) return undefined;
  if (node.architecture !== "arm") {
    // An amd64 image may ask for a newer processor (v2, v3), and nobody here knows whether this one is.
    if (node.architecture === "amd64") return (offered.variant ?? "v1") === (node.variant ?? "v1") ? 0 : undefined;
    return 0;
  }
  const distance = variantNumber(node.variant) - variantNumber(offered.variant);
  return distance >= 0 ? distance : undefined;
}

function variantNumber(variant: string | undefined): number {
  return Number(/^v(\d)$/.exec(variant ?? "v7")?.[1] ?? 7);
}
