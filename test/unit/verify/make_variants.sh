#!/usr/bin/env bash
# Issues what an honest AMD would never issue, and what it issues for other processors, with the
# keys of the pretended hierarchy, so that one thing is wrong and the signatures still hold:
#   make_variants.sh SNP_FOLDER FOLDER STAMP
# All VEKs here have the key of the pretended VCEK, so its reports fit them.
set -euo pipefail
snp=$(realpath -m "$1")
stamp=$(realpath -m "$3")
mkdir -p "$2"
cd "$2"
exec 3>&2 2>openssl.log
trap 'tail -n 5 openssl.log >&3' ERR

chip_id=$(printf 'pretended processor' | openssl dgst -sha512 -r | cut -d ' ' -f 1)
amd=1.3.6.1.4.1.3704.1

# vek SECTION STRUCT PRODUCT [left out]: the extensions of a VCEK with the pretended TCB.
vek() {
    printf '[%s]\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none\n' "$1"
    printf '%s.1 = ASN1:INTEGER:%d\n%s.2 = ASN1:IA5STRING:%s\n' "$amd" "$2" "$amd" "$3"
    local level
    for level in 1:10 2:0 4:0 5:0 6:0 7:0 3:23 8:200; do
        [ "${level%:*}" = "${4:-}" ] ||
            printf '%s.3.%d = ASN1:INTEGER:%d\n' "$amd" "${level%:*}" "${level#*:}"
    done
}
hwid() { printf '%s.4 = DER:%s\n' "$amd" "$1"; }
{
    cat <<'END'
[ca]
default_ca = any
[any]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
policy = names
unique_subject = no
default_md = sha384
[names]
commonName = supplied
organizationalUnitName = supplied
countryName = supplied
localityName = supplied
stateOrProvinceName = supplied
organizationName = supplied
[req]
distinguished_name = empty
[empty]
[crl]
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
    vek vcek 0 Genoa; hwid "$chip_id"
    vek vcek_no_ucode 0 Genoa 8; hwid "$chip_id"
    vek vcek_milan 0 Milan; hwid "$chip_id"
    vek vcek_ca 0 Genoa; hwid "$chip_id"; echo 'basicConstraints = critical, CA:TRUE'
    vek vlek 0 Genoa; printf '%s.5 = ASN1:IA5STRING:pretended cloud\n' "$amd"
    vek vcek_turin 1 Turin; printf '%s.3.9 = ASN1:INTEGER:5\n' "$amd"; hwid "${chip_id:0:16}"
} >variants.cnf

for name in ark ask; do
    cp "$snp/$name.key" .
    openssl x509 -inform DER -in "$snp/$name.der" -out "$name.pem"
done
cp ask.key asvk.key
cp "$snp/vcek.key.pem" vcek.key
openssl ecparam -name prime256v1 -genkey -noout -out p256.key

name() {
    printf '/OU=Engineering/C=US/L=Santa Clara/ST=CA/O=Advanced Micro Devices/CN=%s' "$1"
}
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48)

issue() {  # NAME KEY CN SERIAL-HEX SECTION ISSUER|self END-YEAR [OPTION...]
    local out=$1 key=$2 cn=$3 serial=$4 section=$5 issuer=$6 year=$7
    shift 7
    local -a by=(-cert "$issuer.pem" -keyfile "${issuer%%-*}.key")
    if [ "$issuer" = self ]; then
        by=(-selfsign -keyfile "$key.key")
    fi
    local -a scheme=("${pss[@]}")
    [ $# -eq 0 ] || scheme=("$@")
    : >index.txt
    echo "$serial" >serial
    openssl req -new -config variants.cnf -key "$key.key" -subj "$(name "$cn")" -out "$out.csr"
    openssl ca -batch -notext -preserveDN -config variants.cnf -in "$out.csr" "${by[@]}" \
        -extensions "$section" "${scheme[@]}" -startdate 20200101000000Z \
        -enddate "${year}1231235959Z" -out "$out.pem"
    openssl x509 -in "$out.pem" -outform DER -out "$out.der"
}

crl() {  # NAME ISSUER YEAR [REVOKED-SERIAL [END]]: by the ARK's key, valid from 1 January on
    : >index.txt
    [ -z "${4:-}" ] ||
        printf 'R\t491231235959Z\t240101000000Z\t%s\tunknown\t/CN=revoked\n' "$4" >index.txt
    echo 01 >crlnumber
    openssl ca -gencrl -config variants.cnf -cert "$2.pem" -keyfile ark.key "${pss[@]}" \
        -crlexts crl -crl_lastupdate "${3}0101000000Z" -crl_nextupdate "${5:-20471231235959Z}" -out "$1.pem"
    openssl crl -in "$1.pem" -outform DER -out "$1.der"
}

issue vcek-no-ucode vcek SEV-VCEK 00 vcek_no_ucode ask 2049
issue vcek-milan vcek SEV-VCEK 00 vcek_milan ask 2049
issue vcek-ca vcek SEV-VCEK 00 vcek_ca ask 2049
issue vcek-sha256 vcek SEV-VCEK 00 vcek ask 2049 -md sha256 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
issue vcek-p256 p256 SEV-VCEK 00 vcek ask 2049
issue vcek-serial7 vcek SEV-VCEK 07 vcek ask 2049
issue vcek-short vcek SEV-VCEK 00 vcek ask 2029
issue ask-short ask SEV-Genoa 010001 intermediate ark 2029
issue ark-short ark ARK-Genoa 010000 root self 2029

issue asvk ask SEV-VLEK-Genoa 010002 intermediate ark 2049
issue vlek vcek SEV-VLEK 00 vlek asvk 2049

issue ark-turin ark ARK-Turin 010000 root self 2049
issue ask-turin ask SEV-Turin 010001 intermediate ark-turin 2049
issue vcek-turin vcek SEV-VCEK 00 vcek_turin ask-turin 2049
crl crl-turin ark-turin 2024

issue ark-of-milan ark ARK-Milan 010000 root self 2049
issue ask-of-milan ask SEV-Milan 010001 intermediate ark-of-milan 2049
issue vcek-of-milan vcek SEV-VCEK 00 vcek_milan ask-of-milan 2049
crl crl-of-milan ark-of-milan 2024

crl crl-short ark 2024 '' 20241231235959Z
crl crl-later ark 2025
crl crl-later-ask-revoked ark 2025 010001
crl crl-serial7 ark 2024 07
crl crl-serial0 ark 2024 00
rm -f ./*.csr index.txt* serial* crlnumber* ./[0-9]*.pem
touch "$stamp"
