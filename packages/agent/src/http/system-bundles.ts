/** In which files a system may have the CAs that it trusts. */

/** Source: Go crypto/x509 root_linux.go: Debian, Fedora, openSUSE, OpenELEC, RHEL, Alpine. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
] as const;

/**
 * @param named  value of SSL_CERT_FILE, which OpenSSL and Go read in place of the usual files
 * @returns paths; the first one that is there counts
 */
export function systemBundles(named: string | undefined): readonly string[] {
  return named === undefined || named === "" ? SYSTEM_BUNDLES : [named];
}
