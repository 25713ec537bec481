/** What the kernel, the resolver or Node itself calls a failure, such as ENOENT. */

/** @param cause  whatever was thrown @returns "" where it has no such name. Source: Node.js documentation, errors, `error.code` */
export function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}

/** Whether it says that nothing is there, or that something which is no folder is on the way: anything else is no answer. */
export function isAbsent(cause: unknown): boolean {
  const code = systemCode(cause);
  return code === "ENOENT" || code === "ENOTDIR";
}
