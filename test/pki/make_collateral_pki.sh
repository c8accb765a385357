#!/usr/bin/env bash
# Makes documents of the form that AMD's KDS and Intel's PCS serve, beside those of make_snp_pki.sh:
#   make_collateral_pki.sh FOLDER [STAMP]
#   turin-vcek.der                 VCEK of a Turin, with an HWID of 8 bytes and an fmcSPL
#   vlek-chain.pem                 SEV-VLEK-Genoa, ARK-Genoa
#   root.pem root.crl.der          "Intel SGX Root CA" and its revocation list
#   platform, processor            .chain.pem: "Intel SGX PCK ... CA" and the root; .crl.der
#   signer.chain.pem               "Intel SGX TCB Signing" and the root
#   expired.crl.der                of the platform CA; expired.chain.pem: a signer of the past
# Certificates are valid from 2020 to 2049, the lists from 2024 to 2047. All keys are P-256,
# those of AMD's names too: who reads these documents here looks at no signature.
set -euo pipefail
folder=$(realpath -m "$1")
stamp=${2:+$(realpath -m "$2")}
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
exec 3>&2 2>openssl.log
trap 'tail -n 5 openssl.log >&3' ERR

spl() { printf '1.3.6.1.4.1.3704.1.3.%d = ASN1:INTEGER:%d\n' "$1" "$2"; }
{
    cat <<'END'
[ca]
default_ca = both
[both]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
policy = names
unique_subject = no
default_md = sha256
[names]
commonName = supplied
[req]
distinguished_name = empty
[empty]
[issuer]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[signer]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
[crl]
authorityKeyIdentifier = keyid
[vcek]
1.3.6.1.4.1.3704.1.1 = ASN1:INTEGER:1
1.3.6.1.4.1.3704.1.2 = ASN1:IA5STRING:Turin
1.3.6.1.4.1.3704.1.4 = DER:0102030405060708
END
    spl 9 1  # fmcSPL
    spl 1 2  # blSPL
    spl 2 3  # teeSPL
    spl 3 4  # snpSPL
    spl 8 200
} >ca.cnf
: >index.txt
echo 01 >serial
echo 01 >crlnumber

issue() {  # NAME CN PROFILE ISSUER|self [START END]
    local -a by=(-cert "$4.pem" -keyfile "$4.key")
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    if [ "$4" = self ]; then
        by=(-selfsign -keyfile "$1.key")
    fi
    openssl req -new -config ca.cnf -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" "${by[@]}" -extensions "$3" \
        -startdate "${5:-20200101000000Z}" -enddate "${6:-20491231235959Z}" -out "$1.pem"
}

crl() {  # ISSUER NAME [START END]
    openssl ca -gencrl -config ca.cnf -cert "$1.pem" -keyfile "$1.key" -crlexts crl \
        -crl_lastupdate "${3:-20240101000000Z}" -crl_nextupdate "${4:-20471231235959Z}" -out crl.pem
    openssl crl -in crl.pem -outform DER -out "$2.crl.der"
}

chain() {  # NAME
    cat "$1.pem" root.pem >"$1.chain.pem"
}

issue root 'Intel SGX Root CA' issuer self
issue platform 'Intel SGX PCK Platform CA' issuer root
issue processor 'Intel SGX PCK Processor CA' issuer root
issue signer 'Intel SGX TCB Signing' signer root
issue expired 'Intel SGX TCB Signing' signer root 20200101000000Z 20210101000000Z
crl root root
crl platform platform
crl processor processor
crl platform expired 20240101000000Z 20240201000000Z
chain platform
chain processor
chain signer
chain expired

issue ark ARK-Genoa issuer self
issue asvk SEV-VLEK-Genoa issuer ark
cat asvk.pem ark.pem >vlek-chain.pem
issue ask SEV-Turin issuer ark
issue turin-vcek SEV-VCEK vcek ask
openssl x509 -in turin-vcek.pem -outform DER -out turin-vcek.der

rm -f ./*.key ./*.csr ./[0-9]*.pem crl.pem index.txt* serial* crlnumber* ca.cnf
if [ -n "$stamp" ]; then
    touch "$stamp"
fi
