/** The programs that are made into single executables. */

export interface BinaryProgram {
  readonly name: "ros-agent" | "rancheros-operator";
  readonly description: string;
  /** Where it begins, in the checkout. */
  readonly entry: string;
  /** Folders of packages/ that are inside. */
  readonly packages: readonly string[];
  /** For V8; docs/performance.md has what they cost and save. */
  readonly execArgv: readonly string[];
  /** Whether NODE_OPTIONS counts. */
  readonly takesNodeOptions: boolean;
}

const AGENT: BinaryProgram = {
  name: "ros-agent",
  description: "Lets a bare-metal machine join by its TPM, and keeps its operating system up to date.",
  entry: "packages/cli/src/binary-main.ts",
  packages: ["protocol", "keyless", "agent", "cli"],
  execArgv: [],
  // It runs as root, for whoever calls it.
  takesNodeOptions: false,
};

const OPERATOR: BinaryProgram = {
  name: "rancheros-operator",
  description: "Decides which machines join a cluster, and what they get.",
  entry: "packages/operator/src/main.ts",
  packages: ["protocol", "keyless", "operator"],
  execArgv: ["--max-semi-space-size=4", "--heap-growing-percent=10"],
  // A container with much memory wants --max-old-space-size.
  takesNodeOptions: true,
};

/** @throws Error  no such program */
export function programNamed(name: string): BinaryProgram {
  const found = [AGENT, OPERATOR].find((program) => program.name === name);
  if (found === undefined) throw new Error(`there is no program ${name}; there are ros-agent and rancheros-operator`);
  return found;
}
