#!/bin/sh
# Captures TPM structures from a software TPM (swtpm, tpm2-tools) and prints them as JSON.
#   capture-swtpm.sh > swtpm.json      needs Debian's swtpm, swtpm-tools, tpm2-tools, openssl and jq
# Each run makes other keys; the tests hold for every capture.
set -eu
work=$(mktemp -d)
port=$((20000 + $$ % 20000))
cleanup() {
  kill "$swtpm_pid" 2>/dev/null || true
  rm -rf "$work"
}
cd "$work"
mkdir state ca
cat >ca/localca.conf <<EOF
statedir = $work/ca
signingkey = $work/ca/signkey.pem
issuercert = $work/ca/issuercert.pem
certserial = $work/ca/certserial
EOF
cat >ca/localca.options <<EOF
--tpm-manufacturer id:00001014
--tpm-model swtpm
--tpm-version 2
--platform-manufacturer Example
--platform-version 1
--platform-model Example
EOF
cat >ca/setup.conf <<EOF
create_certs_tool = /usr/bin/swtpm_localca
create_certs_tool_config = $work/ca/localca.conf
create_certs_tool_options = $work/ca/localca.options
active_pcr_banks = sha256
EOF
swtpm_setup --tpm2 --tpmstate state --create-ek-cert --config ca/setup.conf --overwrite >setup.log 2>&1
swtpm socket --tpm2 --server "type=tcp,port=$port" --ctrl "type=tcp,port=$((port + 1))" --tpmstate "dir=state" \
  --flags not-need-init,startup-clear >swtpm.log 2>&1 &
swtpm_pid=$!
trap cleanup EXIT
trap 'exit 1' INT TERM
export TPM2TOOLS_TCTI="swtpm:host=127.0.0.1,port=$port"
n=0
until tpm2_getrandom 4 >/dev/null 2>&1; do
  n=$((n + 1))
  [ "$n" -lt 50 ] || { echo "swtpm does not answer" >&2; exit 1; }
  sleep 0.1
done
tpm2() { name=$1; shift; "tpm2_$name" "$@" >tools.log 2>&1 || { cat tools.log >&2; exit 1; }; tpm2_flushcontext -t >/dev/null 2>&1 || true; }

attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'

# Endorsement keys and the certificate.
tpm2 createek -c ek-rsa.ctx -G rsa -u ek-rsa.pub -f tss
tpm2 createek -c ek-ecc.ctx -G ecc -u ek-ecc.pub -f tss
tpm2_readpublic -c ek-rsa.ctx -f der -o ek-rsa.der >/dev/null; tpm2_flushcontext -t
tpm2_readpublic -c ek-ecc.ctx -f der -o ek-ecc.der >/dev/null; tpm2_flushcontext -t
tpm2_nvread 0x1c00002 -C o >ek-cert.bin

# The attestation key of rancherd: a child of the storage root key.
tpm2 createprimary -C o -G rsa2048 -c srk.ctx
tpm2 create -C srk.ctx -G rsa2048:rsassa-sha256:null -a "$attributes" -u child.tpm2b -r child.priv \
  --creation-data child.data -t child.ticket -d child.hash
tpm2 load -C srk.ctx -u child.tpm2b -r child.priv -c child.ctx
tpm2 certifycreation -C child.ctx -c child.ctx -d child.hash -t child.ticket -g sha256 -s rsassa -f tss -o child.sig \
  --attestation child.attest

# Attestation keys as primaries of the endorsement hierarchy: RSA with noDA and qualifying data, ECC.
tpm2 createprimary -C e -G rsa2048:rsassa-sha256:null -a "$attributes|noda" -c primary.ctx --creation-data primary.data \
  -t primary.ticket -d primary.hash -l sha256:0,7
tpm2 certifycreation -C primary.ctx -c primary.ctx -d primary.hash -t primary.ticket -g sha256 -s rsassa -f tss \
  -o primary.sig --attestation primary.attest -q 00112233445566778899aabbccddeeff
tpm2_readpublic -c primary.ctx -f tss -o primary.tpm2b -n primary.name >/dev/null; tpm2_flushcontext -t
tpm2_readpublic -c child.ctx -f tss -o child.tpm2b -n child.name >/dev/null; tpm2_flushcontext -t
tpm2 createprimary -C e -G ecc256:ecdsa-sha256:null -a "$attributes" -c ecc.ctx --creation-data ecc.data -t ecc.ticket \
  -d ecc.hash -q 0badc0de
tpm2 certifycreation -C ecc.ctx -c ecc.ctx -d ecc.hash -t ecc.ticket -g sha256 -s ecdsa -f tss -o ecc.sig \
  --attestation ecc.attest
tpm2_readpublic -c ecc.ctx -f tss -o ecc.tpm2b -n ecc.name >/dev/null; tpm2_flushcontext -t

# A quote and a certification of another key, RSAPSS.
tpm2 createprimary -C e -G rsa2048:rsapss-sha256:null -a "$attributes" -c pss.ctx
tpm2_readpublic -c pss.ctx -f tss -o pss.tpm2b -n pss.name >/dev/null; tpm2_flushcontext -t
tpm2 quote -c primary.ctx -l sha1:1+sha256:0,1,16 -q cafe -m quote.attest -s quote.sig -f tss -g sha256
tpm2 certify -C pss.ctx -c ecc.ctx -g sha256 --scheme rsapss -f tss -o certify.attest -s certify.sig

# Other public areas: storage keys, other curves, sizes and hashes.
areas='rsa2048-storage:rsa2048 rsa3072-storage:rsa3072:aes256cfb ecc256-storage:ecc256 ecc384-sign:ecc384:ecdsa-sha384:null'
for area in $areas rsa1024-sign:rsa1024:rsassa-sha1:null ecc256-ecdh:ecc256:ecdh-sha256:null rsa2048-oaep:rsa2048:oaep-sha256:null; do
  name=${area%%:*} algorithm=${area#*:}
  case $name in
  *-storage) set -- ;;
  *-sign) set -- -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' ;;
  *) set -- -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt' ;;
  esac
  if tpm2_createprimary -C o -G "$algorithm" -c "area-$name.ctx" "$@" >/dev/null 2>&1; then
    tpm2_flushcontext -t
    tpm2_readpublic -c "area-$name.ctx" -f tss -o "area-$name.tpm2b" -n "area-$name.name" >/dev/null
    tpm2_flushcontext -t
  else
    echo "this swtpm makes no $name" >&2
  fi
done

# Credentials made by the TPM for endorsement keys whose private halves are known here.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -outform DER -out known-rsa.pk8
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8 -topk8 -nocrypt -outform DER -out known-ecc.pk8
printf '%s' '4f6e6c79207468652054504d206f6620746869732045eb20616e737765727321' | xxd -r -p >secret.bin
for kind in rsa ecc; do
  openssl pkey -inform DER -in known-$kind.pk8 -pubout -outform DER -out known-$kind.spki
  # The TPM's own EK public area with the known key in place of its own.
  if [ $kind = rsa ]; then
    openssl rsa -inform DER -in known-rsa.pk8 -noout -modulus 2>/dev/null | sed 's/.*=//' | xxd -r -p >known.unique
    head -c $(($(stat -c %s ek-rsa.pub) - 256)) ek-rsa.pub >known-rsa.tpm2b
    cat known.unique >>known-rsa.tpm2b
  else
    tail -c 64 known-ecc.spki >known.unique
    head -c $(($(stat -c %s ek-ecc.pub) - 68)) ek-ecc.pub >known-ecc.tpm2b
    { printf '\000\040'; head -c 32 known.unique; printf '\000\040'; tail -c 32 known.unique; } >>known-ecc.tpm2b
  fi
  tpm2_makecredential -u known-$kind.tpm2b -s secret.bin -n "$(xxd -p -c 100 child.name)" -o known-$kind.cred >/dev/null
  tpm2_flushcontext -t
done

hex() { xxd -p -c 100000 "$1"; }
content() { tail -c +3 "$1" | xxd -p -c 100000; }
# A file of tpm2_makecredential: 4 bytes of magic, 4 of version, TPM2B_ID_OBJECT (70 bytes), TPM2B_ENCRYPTED_SECRET.
blob() { tail -c +9 "$1" | head -c 70 | xxd -p -c 100000; }
encrypted() { tail -c +79 "$1" | xxd -p -c 100000; }
key() {
  printf '    "%s": {"public": "%s", "name": "%s", "createData": "%s", "createAttestation": "%s", "createSignature": "%s"}' \
    "$2" "$(content "$1.tpm2b")" "$(hex "$1.name")" "$(creation "$1")" "$(hex "$1.attest")" "$(hex "$1.sig")"
}
creation() { content "$1.data"; }
{
  printf '{\n  "origin": "%s",\n' "Made by capture-swtpm.sh in this folder, which holds every command line, with $(swtpm --version | head -n 1 | cut -d, -f1), libtpms $(dpkg-query -W -f '${Version}' libtpms0) and tpm2-tools $(tpm2_createek --version | sed 's/.*version="\([^"]*\)".*/\1/'). All values are hexadecimal."
  printf '  "endorsementKeys": {\n'
  printf '    "rsa": {"public": "%s", "spki": "%s"},\n' "$(content ek-rsa.pub)" "$(hex ek-rsa.der)"
  printf '    "ecc": {"public": "%s", "spki": "%s"}\n  },\n' "$(content ek-ecc.pub)" "$(hex ek-ecc.der)"
  printf '  "endorsementCertificate": "%s",\n' "$(hex ek-cert.bin)"
  printf '  "attestationKeys": {\n'
  key child rsaChildOfStorageRoot
  printf ',\n'
  key primary rsaPrimaryWithQualifyingData
  printf ',\n'
  key ecc eccPrimary
  printf '\n  },\n  "otherAttestations": {\n'
  printf '    "quote": {"attest": "%s", "signature": "%s"},\n' "$(hex quote.attest)" "$(hex quote.sig)"
  printf '    "certify": {"attest": "%s", "signature": "%s", "signer": "%s"}\n  },\n' \
    "$(hex certify.attest)" "$(hex certify.sig)" "$(content pss.tpm2b)"
  printf '  "publicAreas": {'
  separator=''
  for file in area-*.tpm2b; do
    name=${file#area-}
    name=${name%.tpm2b}
    printf '%s\n    "%s": {"public": "%s", "name": "%s"}' "$separator" "$name" "$(content "$file")" "$(hex "area-$name.name")"
    separator=','
  done
  printf '\n  },\n  "credentials": {\n    "akName": "%s",\n    "secret": "%s",\n' "$(hex child.name)" "$(hex secret.bin)"
  for kind in rsa ecc; do
    printf '    "%s": {"spki": "%s", "privateKeyPkcs8": "%s", "credentialBlob": "%s", "encryptedSecret": "%s"}' \
      $kind "$(hex known-$kind.spki)" "$(hex known-$kind.pk8)" "$(blob known-$kind.cred)" "$(encrypted known-$kind.cred)"
    [ $kind = ecc ] || printf ','
    printf '\n'
  done
  printf '  }\n}\n'
} >capture.json
jq . capture.json
