#!/bin/sh
# Captures what swtpm_setup --create-ek-cert makes with swtpm_localca: both authorities and the certificates of an
# RSA-2048, an RSA-3072 and a P-384 endorsement key; prints them as JSON.
#   capture-chain.sh > swtpm-chain.json      needs Debian's swtpm, swtpm-tools, openssl, xxd and jq
# Each run makes other keys; the tests hold for every capture.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir ca certs2048 certs3072 state2048 state3072
cat >localca.conf <<END
statedir = $work/ca
signingkey = $work/ca/signkey.pem
issuercert = $work/ca/issuercert.pem
certserial = $work/ca/certserial
END
printf '%s\n' '--platform-manufacturer Example' '--platform-version 1' '--platform-model Example' >localca.options
cat >setup.conf <<END
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $work/localca.conf
create_certs_tool_options = $work/localca.options
active_pcr_banks = sha256
END
for bits in 2048 3072; do
  swtpm_setup --tpm2 --tpmstate state$bits --create-ek-cert --rsa-keysize $bits --write-ek-cert-files certs$bits \
    --config setup.conf --overwrite >setup.log 2>&1 || { cat setup.log >&2; exit 1; }
done
der() { openssl x509 -in "$1" -outform DER | xxd -p -c 100000; }
jq -n --arg origin "$(swtpm --version | head -1), swtpm_localca, captured by capture-chain.sh on $(date -u +%F)" \
  --arg root "$(der ca/swtpm-localca-rootca-cert.pem)" --arg issuer "$(der ca/issuercert.pem)" \
  --arg rsa2048 "$(xxd -p -c 100000 certs2048/ek-rsa2048.crt)" --arg rsa3072 "$(xxd -p -c 100000 certs3072/ek-rsa3072.crt)" \
  --arg ecc "$(xxd -p -c 100000 certs2048/ek-secp384r1.crt)" \
  '{origin: $origin, root: $root, issuer: $issuer, rsa2048: $rsa2048, rsa3072: $rsa3072, p384: $ecc}'
