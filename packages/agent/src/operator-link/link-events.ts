/** What is worth a line in the log of the talk with the operator. */
export interface LinkEvents {
  /** The operator has answered. */
  readonly onReached: () => void;
  readonly onTrouble: (what: "plan" | "status", error: unknown, delayMs: number) => void;
}
