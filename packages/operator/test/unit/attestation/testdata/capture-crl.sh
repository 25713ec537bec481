#!/bin/sh
# Captures an authority that openssl made, and the list by which it takes two certificates back; prints them as JSON.
#   capture-crl.sh > openssl-crl.json      needs openssl, xxd and jq
# Each run makes other keys; the tests hold for every capture.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >ca.conf <<END
[ca]
default_ca = it
[it]
database = $work/index.txt
crlnumber = $work/crlnumber
default_md = sha256
default_crl_days = 36500
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid:always
END
printf 'R\t20600101000000Z\t260101000000Z,keyCompromise\t00F0E1D2C3\tunknown\t/CN=one\n' >index.txt
printf 'R\t20600101000000Z\t260101000000Z\t07\tunknown\t/CN=two\n' >>index.txt
echo 01 >crlnumber
openssl req -x509 -newkey rsa:2048 -noenc -keyout key.pem -out ca.pem -days 36500 -subj '/O=Example/CN=Example CA' 2>/dev/null
openssl ca -config ca.conf -gencrl -keyfile key.pem -cert ca.pem -out crl.pem 2>/dev/null
jq -n --arg origin "$(openssl version), captured by capture-crl.sh on $(date -u +%F)" \
  --arg authority "$(openssl x509 -in ca.pem -outform DER | xxd -p -c 100000)" \
  --arg list "$(openssl crl -in crl.pem -outform DER | xxd -p -c 100000)" \
  '{origin: $origin, authority: $authority, list: $list, serialNumbers: ["f0e1d2c3", "07"]}'
