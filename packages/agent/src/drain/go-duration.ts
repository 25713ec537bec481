/**
 * A duration as Go prints it, which is how kubectl's messages have it.
 * @param milliseconds  not negative
 * @returns             for example 1m0s, 1.5s, 300ms, 0s
 * Source: Go time.Duration.String
 */
export function goDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  if (milliseconds < 0.001) return `${decimal(milliseconds * 1e6)}ns`;
  if (milliseconds < 1) return `${decimal(milliseconds * 1e3)}µs`;
  if (milliseconds < 1000) return `${decimal(milliseconds)}ms`;
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor((milliseconds % 3_600_000) / 60_000);
  const seconds = `${decimal((milliseconds % 60_000) / 1000)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function decimal(value: number): string {
  return String(Number(value.toFixed(9)));
}
