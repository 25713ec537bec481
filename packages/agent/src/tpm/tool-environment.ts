/** The environment in which the TPM tools run: the caller's, except for what would change what they say and where. */

/** Would send the log to a file instead of to us, or open another TPM than we name. */
const DROPPED: ReadonlySet<string> = new Set(["TSS2_LOGFILE", "TPM2TOOLS_TCTI"]);

/**
 * @param environment  at least PATH
 * @returns            with English messages, which we read, at the level that the tools have by themselves: trace writes out secrets
 */
export function toolEnvironment(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(environment).filter((entry): entry is [string, string] => {
    const [name, value] = entry;
    return value !== undefined && !DROPPED.has(name);
  });
  return { ...Object.fromEntries(kept), LC_ALL: "C", TSS2_LOG: "all+WARNING" };
}
