import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openX509, readEkCertificate, validityOf } from "@rancheros/protocol/tpm";
import { createEkCertificate } from "../../../../../test/software-tpm/index.ts";
import { hex, swtpm } from "./swtpm-vectors.ts";

const spkiDer = hex(swtpm.endorsementKeys.rsa.spki);
const caKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const [BEGINS, ENDS] = ["210203040506Z", "400101000000Z"];
const [notBefore, notAfter] = [new Date("2021-02-03T04:05:06Z"), new Date("2040-01-01T00:00:00Z")];
const good = createEkCertificate({ spkiDer, caKey, notBefore, notAfter });

/** The certificate with another text in the place of one of its times. */
function withTime(time: string, text: string): Buffer {
  const der = Buffer.from(good);
  der.write(text, der.indexOf(time), "latin1");
  return der;
}

const isUnreadable = (date: Date): boolean => Number.isNaN(date.getTime());

describe("the validity of a certificate", () => {
  it("is what it says", () => {
    expect(validityOf(openX509(good))).toEqual({ notBefore, notAfter });
    // A fraction of a second, which OpenSSL spells out.
    const said = { validFrom: "Feb  3 04:05:06 2021 GMT", validTo: "Jan  1 00:00:00.5 2040 GMT" };
    expect(validityOf({ ...said, validFromDate: notBefore, validToDate: notAfter })).toEqual({ notBefore, notAfter });
  });

  it.each(["401301000000Z", "4001010000000", "             ", "400230000000Z", "400101000060Z"])(
    "has no end where nobody can read it: %j",
    (text) => {
      const { notBefore: begins, notAfter: ends } = readEkCertificate(withTime(ENDS, text));
      expect([begins, isUnreadable(ends)]).toEqual([notBefore, true]);
      expect(isUnreadable(readEkCertificate(withTime(BEGINS, text)).notBefore)).toBe(true);
    },
  );

  it("is not what Node makes then of memory that nobody has written: a year that may be any", () => {
    const nonsense = { validFromDate: new Date(353_128_365_376_000), validToDate: new Date(353_128_365_376_000) };
    const { notBefore: begins, notAfter: ends } = validityOf({
      ...nonsense,
      validFrom: "Bad time value",
      validTo: "Bad time value",
    });
    expect([isUnreadable(begins), isUnreadable(ends)]).toEqual([true, true]);
  });
});
