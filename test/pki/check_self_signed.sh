#!/usr/bin/env bash
# openssl reads and verifies the certificate that PROGRAM writes:  check_self_signed.sh PROGRAM
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" >"$work/certificate.pem"
openssl x509 -in "$work/certificate.pem" -noout -text >"$work/text"
openssl verify -CAfile "$work/certificate.pem" -purpose sslserver -check_ss_sig \
    -attime 1750000000 "$work/certificate.pem"
for wanted in 'Version: 3' 'Subject: CN = "vm, example"' 'Issuer: CN = "vm, example"' 'CA:FALSE' \
    'X509v3 Basic Constraints: critical' 'Digital Signature' 'TLS Web Server Authentication' \
    'TLS Web Client Authentication' 'DNS:vm.example, IP Address:127.0.0.1' '1.3.6.1.5.5.7.1.35' \
    'Not Before: Jan  1 00:00:00 2025 GMT' 'Not After : Jan  1 00:00:00 2100 GMT'; do
    grep -F -q -- "$wanted" "$work/text" || { echo "missing: $wanted"; cat "$work/text"; exit 1; }
done
