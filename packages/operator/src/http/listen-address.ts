/** Where a listener listens. */
export interface ListenAddress {
  /** Empty for all interfaces. */
  readonly host: string;
  readonly port: number;
}
