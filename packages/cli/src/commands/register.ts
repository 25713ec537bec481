/** `ros-agent register` */
import { boolean, option, string } from "@oclif/core/flags";

import { AgentCommand } from "../agent-command.ts";
import { AlreadyTold } from "../already-told.ts";
import { CliError } from "../errors.ts";
import { parseKeyValues } from "../key-values.ts";
import { parseDuration } from "../parse-duration.ts";
import type { RegistrationRun } from "../registration-run.ts";
import { LEARNED_CA_FLAG, REPORT_FLAGS, SERVER_ARGS, SERVER_FLAGS } from "../server-flags.ts";
import { SUMMARIES } from "../summaries.ts";
import { EK_FLAG, TPM_FLAGS } from "../tpm-flags.ts";

const PROTOCOLS = ["attestation", "legacy"] as const;

/** Result of `register --output FILE --json`. Without --output the result is the configuration itself. */
export interface SavedJson {
  readonly saved: { readonly path: string; readonly bytes: number };
  readonly tpmHash: string;
}

/** Result of `register --if-needed --json` where it was not. */
export interface RegisteredJson {
  readonly registered: { readonly path: string };
}

export class Register extends AgentCommand {
  static override id = "register";
  static override summary = SUMMARIES.register;
  static override usage = "<%= command.id %> [URL] [FLAGS]";
  static override description =
    "The machine proves with its TPM who it is, and gets a cloud-config in return; the operator makes a " +
    "MachineInventory for it, once. Registering again gives the same machine and the configuration of that day. Where the " +
    "registration wants approval, --wait waits for it. There is no falling back to an older protocol: --protocol legacy " +
    "asks for it. " +
    "Proxies are taken from HTTPS_PROXY, HTTP_PROXY and NO_PROXY; an https:// one is known by the system's CAs.";
  static override examples = [
    "$ ros-agent register https://rancher.example.com/v1-rancheros/registration/TOKEN --output config.yaml",
    "$ ros-agent register URL --ca-sha256 4f06f8a0... --wait 10m",
    "$ ros-agent register URL --apply",
    "$ ros-agent register URL --check",
    "$ ros-agent register URL --protocol legacy",
  ];
  static override args = SERVER_ARGS;
  static override flags = {
    ...SERVER_FLAGS,
    ...LEARNED_CA_FLAG,
    protocol: option({
      description:
        "attestation, or legacy for the original operator: rancherd's protocol, in which whoever ends TLS on the way reads all.",
      options: PROTOCOLS,
      helpValue: "NAME",
      default: "attestation",
    })(),
    output: string({
      char: "o",
      description: "Save the configuration here, readable by its owner only. Default: stdout.",
      helpValue: "FILE",
      exclusive: ["check"],
    }),
    "if-needed": boolean({
      description: "Do nothing where the file of --output is there already, and is a valid cloud-config.",
      dependsOn: ["output"],
    }),
    apply: boolean({
      description: "Make this machine what the configuration says, as `config apply` does. As root.",
      exclusive: ["check"],
    }),
    root: string({
      description: "The machine's / for --apply.",
      helpValue: "FOLDER",
      default: "/",
    }),
    check: boolean({ description: "Try every step that leaves nothing behind, and say for each how it went." }),
    ...REPORT_FLAGS,
    "without-ek-certificate": boolean({
      description: "Register with the bare endorsement key where its certificate in the TPM cannot be read.",
    }),
    timeout: string({ description: "For the conversation with the server.", helpValue: "DURATION", default: "30s" }),
    wait: string({
      description:
        "Try again for this long what may go well later: no network yet, server busy, not approved yet. `forever`: and, " +
        "with long pauses, what only people can mend, too.",
      helpValue: "DURATION",
      exclusive: ["check"],
    }),
    ...EK_FLAG,
    ...TPM_FLAGS,
  };

  override async run(): Promise<void> {
    const { flags, args } = await this.parse(Register);
    if (flags["if-needed"] && flags.output !== undefined && (await isRegistered(flags.output))) {
      if (flags.json) this.printJson({ registered: { path: flags.output } } satisfies RegisteredJson);
      else this.remark(`This machine has registered: its configuration is in ${flags.output}.`);
      return;
    }
    const { registrationTarget } = await import("../registration-target.ts");
    const { environment, signal } = this.surroundings;
    const target = await registrationTarget({
      url: args.url,
      config: flags.config,
      caCert: flags["ca-cert"],
      caSha256: flags["ca-sha256"],
      allowHttp: flags["allow-http"],
      signal,
    });
    const { protocol } = flags;
    const labels = parseKeyValues(flags.label ?? [], "label");
    const annotations = parseKeyValues(flags.annotation ?? [], "annotation");
    if (protocol === "legacy") {
      requireLegacyFlags(flags.ek, Object.keys(labels).length + Object.keys(annotations).length);
    }
    const run: RegistrationRun = {
      protocol,
      labels,
      annotations,
      endorsementKey: flags.ek ?? (protocol === "legacy" ? "rsa2048" : "any"),
      server: {
        ...target,
        learnedCaFile: flags["learned-ca"],
        environment,
        signal,
        timeoutMs: parseDuration(flags.timeout, "timeout"),
      },
      waitMs: waitOf(flags.wait),
      withoutEkCertificate: flags["without-ek-certificate"],
      tcti: flags.tcti,
      smbios: flags["no-smbios"] ? "none" : { folder: flags["smbios-dump"] },
      surroundings: this.surroundings,
      remark: (text) => this.remark(text),
    };
    if (flags.check) return this.check(run, flags.json);
    return this.register(run, flags);
  }

  private async check(run: RegistrationRun, asJson: boolean): Promise<void> {
    const { checkMachine } = await import("../registration-run.ts");
    const report = await checkMachine(run);
    const { describeCheck } = await import("../describe-check.ts");
    const { ok, steps, error } = report;
    if (asJson) this.printJson({ ok, steps });
    else this.print(describeCheck(report));
    if (error !== undefined) throw new AlreadyTold(error);
  }

  private async register(run: RegistrationRun, flags: RegisterFlags): Promise<void> {
    const { registerMachine } = await import("../registration-run.ts");
    const { formatCloudConfig } = await import("../cloud-config-text.ts");
    const { output, apply, root, json } = flags;
    if (output === undefined) {
      const { config } = await registerMachine(run);
      if (apply) await this.apply(formatCloudConfig(config), root);
      if (json) this.printJson(config);
      else if (!apply) this.print(formatCloudConfig(config));
      return;
    }
    const { prepareFile } = await import("@rancheros/agent/registration");
    // Before anything is registered: afterwards would be late to learn that the disk is read-only.
    const file = await prepareFile(output);
    const { config, tpmHash } = await registerMachine(run);
    const text = formatCloudConfig(config);
    await file.commit(text);
    if (apply) await this.apply(text, root);
    const saved: SavedJson = { saved: { path: output, bytes: Buffer.byteLength(text) }, tpmHash };
    if (json) this.printJson(saved);
    else this.remark(`The configuration is in ${output}.`);
  }

  private async apply(text: string, root: string): Promise<void> {
    const { applyAnswer } = await import("../cloud-config-run.ts");
    await applyAnswer(text, root, this.surroundings, (remark) => this.remark(remark));
  }
}

interface RegisterFlags {
  readonly output: string | undefined;
  readonly apply: boolean;
  readonly root: string;
  readonly json: boolean;
}

function waitOf(flag: string | undefined): number {
  if (flag === "forever") return Number.POSITIVE_INFINITY;
  return flag === undefined ? 0 : parseDuration(flag, "wait");
}

/** A configuration that cannot be used is asked for again: it may have been mended meanwhile. */
async function isRegistered(path: string): Promise<boolean> {
  const { readConfigs, usable } = await import("../cloud-config-run.ts");
  return usable(await readConfigs([path], { ifThere: true })).length > 0;
}

/** @throws CliError CLI_USAGE for what rancherd's protocol does not know */
function requireLegacyFlags(ek: string | undefined, reported: number): void {
  if (ek !== undefined && ek !== "rsa2048") {
    throw new CliError("CLI_USAGE", "rancherd's protocol knows RSA-2048 endorsement keys only", {
      mend: `Leave out --protocol legacy, or --ek ${ek}.`,
    });
  }
  if (reported === 0) return;
  throw new CliError("CLI_USAGE", "rancherd's protocol carries no labels and annotations of the machine's own", {
    mend: "Leave out --protocol legacy, or --label and --annotation.",
  });
}
