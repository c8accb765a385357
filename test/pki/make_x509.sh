#!/usr/bin/env bash
# Makes keys, signatures and certificates with the openssl program, as an independent counterpart
# for the tests of ratls/crypto:  make_x509.sh FOLDER STAMP
# Everything is new on each run, except for names and dates.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stamp=$(realpath -m "$2")
mkdir -p "$1"
cd "$1"
exec 3>&2 2>openssl.log
trap 'tail -n 5 openssl.log >&3' ERR

ec_key() { openssl ecparam -name "$2" -genkey -noout -out "$1.key"; }
rsa_key() { openssl genrsa -out "$1.key" "$2"; }
ec_key p256 prime256v1
ec_key p256-other prime256v1
ec_key p384 secp384r1
ec_key p521 secp521r1
rsa_key rsa1024 1024
rsa_key rsa2048 2048
rsa_key rsa2049 2049
rsa_key rsa3072 3072
rsa_key rsa4096 4096
openssl genpkey -algorithm ed25519 -out ed25519.key
openssl genpkey -algorithm x25519 -out x25519.key
for key in p256 p256-other p384 p521 rsa1024 rsa2048 rsa2049 rsa3072 rsa4096 ed25519; do
    openssl pkey -in "$key.key" -pubout -outform DER -out "$key.spki"
done
openssl ec -in p256.key -pubout -conv_form compressed -outform DER -out p256-compressed.spki
openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout |
    openssl pkey -pubout -outform DER -out p256-explicit.spki

# One key in every form that a key file may have.
openssl ec -in p256.key -outform DER -out p256-sec1.der
openssl pkcs8 -topk8 -nocrypt -in p256.key -out p256-pkcs8.pem
openssl pkcs8 -topk8 -nocrypt -in p256.key -outform DER -out p256-pkcs8.der
openssl pkcs8 -topk8 -passout pass:secret -in p256.key -out p256-encrypted.pem

printf 'the message' >message
sign() {  # NAME KEY HASH OPTION...
    local name=$1 key=$2 hash=$3
    shift 3
    openssl dgst "-$hash" -sign "$key.key" "$@" -out "$name.sig" message
}
for hash in sha256 sha384 sha512; do
    sign "p256-$hash" p256 "$hash"
    sign "p384-$hash" p384 "$hash"
done
for bits in 2048 2049 3072 4096; do
    for hash in sha1 sha256 sha384 sha512; do
        sign "rsa$bits-pkcs1-$hash" "rsa$bits" "$hash"
    done
    for salt in 0 20 32 48 max; do
        sign "rsa$bits-pss-$salt" "rsa$bits" sha256 \
            -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:$salt"
    done
done
sign rsa2048-pss-mgf1-sha1 rsa2048 sha256 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1

cat >ca.cnf <<'END'
[ca]
default_ca = any
[any]
database = index.txt
new_certs_dir = .
policy = any_name
unique_subject = no
rand_serial = yes
[any_name]
commonName = supplied
organizationName = optional
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = DNS:one.example, DNS:two.example, IP:127.0.0.1, IP:::1, email:a@example
END
: >index.txt
issue() {  # NAME KEY ISSUER PROFILE OPTION...: valid in the year 2025
    local name=$1 key=$2 issuer=$3 profile=$4
    shift 4
    openssl req -new -config ca.cnf -key "$key.key" -subj "/O=Example/CN=$name" -out "$name.csr"
    local -a by=(-cert "$issuer.pem" -keyfile "$(cat "$issuer.signs" 2>/dev/null || true)")
    if [ "$issuer" = self ]; then
        by=(-selfsign -keyfile "$key.key")
    fi
    openssl ca -batch -config ca.cnf -in "$name.csr" "${by[@]}" -extensions "$profile" \
        -notext -startdate 20250101000000Z -enddate 20251231235959Z "$@" -out "$name.pem"
    printf '%s.key' "$key" >"$name.signs"
    openssl x509 -in "$name.pem" -outform DER -out "$name.crt"
}
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48)
issue root p384 self root -md sha384
issue intermediate p256 root intermediate -md sha384
issue leaf p256-other intermediate leaf -md sha256
issue rsa-root rsa4096 self root -md sha384 "${pss[@]}"
issue rsa-leaf rsa2048 rsa-root leaf -md sha384 "${pss[@]}"
issue rsa-leaf-pkcs1 rsa2048 rsa-root leaf -md sha256
issue rsa-leaf-sha1 rsa2048 rsa-root leaf -md sha1
cat root.pem intermediate.pem leaf.pem >bundle.pem

# The same certificate with the PSS trailer field written out, as AMD does. openssl has no word for
# it, so the certificate is patched and signed again.
python3 "$here/pss_trailer.py" tbs rsa-leaf.crt trailer.tbs
openssl dgst -sha384 -sign rsa4096.key "${pss[@]}" -out trailer.sig trailer.tbs
python3 "$here/pss_trailer.py" join trailer.tbs trailer.sig rsa-leaf-trailer.crt
openssl x509 -inform DER -in rsa-leaf-trailer.crt -outform PEM -out rsa-leaf-trailer.pem
openssl verify -CAfile rsa-root.pem -attime 1750000000 rsa-leaf-trailer.pem >verify.log

touch "$stamp"
