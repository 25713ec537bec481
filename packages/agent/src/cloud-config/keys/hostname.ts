/** `hostname` */
import { textLike } from "../judge.ts";

const LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

/** At most 64 characters. Source: hostname(7), gethostname(2) */
export const hostname = textLike(
  new RegExp(`^(?=.{1,64}$)${LABEL}(\\.${LABEL})*$`),
  "a host name of letters, digits, - and dots, of at most 64 characters",
);
