/** Endorsement keys whose private half anybody can have: printed in public sources, or made by a public program of a fixed seed. */

export interface KnownWeakKey {
  /** SHA-256 of the SubjectPublicKeyInfo, hex; of RSA keys with the exponent that endorsement keys have. */
  readonly ekHash: string;
  /** Where the private half, or the seed that it is made of, is published. */
  readonly origin: string;
}

export const KNOWN_WEAK_KEYS: readonly KnownWeakKey[] = [
  {
    ekHash: "3be3399472a211d79083840fafa5e994505c5189bd82b6a6934a505c6fa97dd1",
    origin: "packages/protocol/test/unit/tpm/testdata/swtpm.json of this repository, credentials.rsa",
  },
  {
    ekHash: "5c3c1e0ca6f03415e5379cafa0d7c466846aa2813775c34ce548446bc83317cb",
    origin: "packages/protocol/test/unit/tpm/testdata/swtpm.json of this repository, credentials.ecc",
  },
  {
    ekHash: "3e5fadc4c61ef44f280c9af6b87e421bbe68818bbd30616e6bfd0ea7287d5ed7",
    origin: "simulator of github.com/google/go-tpm-tools with a fixed seed of 0 (simulator/simulator_test.go)",
  },
  {
    ekHash: "1b5bbe2e96054f7bc34ebe7ba9a4a9eac5611c6879285ceff6094fa556af485c",
    origin: "simulator of github.com/google/go-tpm-tools with a fixed seed of 0 (simulator/simulator_test.go)",
  },
  {
    ekHash: "e1a92f96202a1594f4200d1306fbe7285c6e7bdc608072ef0dec2c7c09619918",
    origin: "simulator of github.com/google/go-tpm-tools with a fixed seed of 0 (simulator/simulator_test.go)",
  },
  {
    ekHash: "07a7a905a5525609e5b64c95bce24d6d393fd2952ce1df52bbe9496bfdcd8d93",
    origin: "simulator of github.com/google/go-tpm-tools with a fixed seed of 0 (simulator/simulator_test.go)",
  },
  {
    ekHash: "6757b50a38bc6aa616a692de6771d34e2fa2db33942e7d7b245d322096b536be",
    origin: "simulator of github.com/google/go-tpm-tools with a fixed seed of 0 (simulator/simulator_test.go)",
  },
  {
    ekHash: "6c6f211b38eb2e24d0e1f042e8da8245fccf15fa415afcf62284bea8f5cca4f3",
    origin: "go1.26.8 of Go, src/crypto/rsa/rsa_test.go",
  },
  {
    ekHash: "a966992050beefe356dd2219c30595377e991748f14dbb4e0c24935e15721a3c",
    origin: "go1.26.8 of Go, src/crypto/rsa/rsa_test.go",
  },
  {
    ekHash: "8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878",
    origin: "go1.26.8 of Go, src/crypto/rsa/example_test.go",
  },
  {
    ekHash: "53204fe0af606186e627ce662411035d3b6bcaae2668463281828212897e47b6",
    origin: "go1.26.8 of Go, src/net/smtp/smtp_test.go",
  },
  {
    ekHash: "389f9ede520dbc33d2aebc489246ad89e221d1ec15f693c348c58b08219367aa",
    origin: "go1.26.8 of Go, src/net/http/internal/testcert/testcert.go",
  },
];

/** To ask whether a key is one of them. */
export const KNOWN_WEAK_HASHES: ReadonlySet<string> = new Set(KNOWN_WEAK_KEYS.map(({ ekHash }) => ekHash));
