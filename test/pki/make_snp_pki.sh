#!/usr/bin/env bash
# Makes the key hierarchy of the pretended TEE with the openssl program:  make_snp_pki.sh FOLDER [STAMP]
# It has the names, algorithms and extensions of AMD's for Genoa, and keys of its own:
#   ark.der ask.der vcek.der  ARK-Genoa, SEV-Genoa, SEV-VCEK; ark.pem, chain.pem (ASK, ARK) as the KDS
#                             serves them; vcek.key.pem signs reports, ark.key and ask.key more
#                             certificates (test/unit/verify/make_variants.sh)
#   crl.der                   of the ARK, lists nothing; crl-ask-revoked.der lists the ASK
#   forged/                   the same again: equal names and extensions, other keys
# Certificates are valid from 2020 to 2049, the lists from 2024 to 2047.
# Sources: AMD 57230, VCEK certificate definitions; reports and certificates seen in the field.
set -euo pipefail
folder=$(realpath -m "$1")
stamp=${2:+$(realpath -m "$2")}
rm -rf "$folder/forged"
mkdir -p "$folder"
cd "$folder"
exec 3>&2 2>openssl.log
trap 'tail -n 5 openssl.log >&3' ERR

# CHIP_ID of the pretended processor: 64 bytes, the same in every hierarchy.
chip_id=$(printf 'pretended processor' | openssl dgst -sha512 -r | cut -d ' ' -f 1)
spl() { printf '1.3.6.1.4.1.3704.1.3.%d = ASN1:INTEGER:%d\n' "$1" "$2"; }
{
    cat <<'END'
[ca]
default_ca = ark
[ark]
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
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
crlDistributionPoints = URI:https://kdsintf.amd.com/vcek/v1/Genoa/crl
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:https://kdsintf.amd.com/vcek/v1/Genoa/crl
[crl]
authorityKeyIdentifier = keyid
[vcek]
subjectKeyIdentifier = none
authorityKeyIdentifier = none
1.3.6.1.4.1.3704.1.1 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.2 = ASN1:IA5STRING:Genoa
END
    spl 1 10   # blSPL
    spl 2 0    # teeSPL
    spl 4 0
    spl 5 0
    spl 6 0
    spl 7 0
    spl 3 23   # snpSPL
    spl 8 200  # ucodeSPL: two content bytes, as from 128 on
    # hwID is the bare number, without an ASN.1 tag.
    printf '1.3.6.1.4.1.3704.1.4 = DER:%s\n' "$chip_id"
} >snp.cnf

name() {
    printf '/OU=Engineering/C=US/L=Santa Clara/ST=CA/O=Advanced Micro Devices/CN=%s' "$1"
}
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48)

issue() {  # NAME CN SERIAL-HEX PROFILE ISSUER|self
    local -a by=(-cert "$5.pem" -keyfile "$5.key")
    if [ "$5" = self ]; then
        by=(-selfsign -keyfile "$1.key")
    fi
    echo "$3" >serial
    openssl req -new -config ../snp.cnf -key "$1.key" -subj "$(name "$2")" -out "$1.csr"
    openssl ca -batch -notext -preserveDN -config ../snp.cnf -in "$1.csr" "${by[@]}" -extensions "$4" \
        "${pss[@]}" -startdate 20200101000000Z -enddate 20491231235959Z -out "$1.pem"
    openssl x509 -in "$1.pem" -outform DER -out "$1.der"
}

crl() {  # NAME
    echo 01 >crlnumber
    openssl ca -gencrl -config ../snp.cnf -cert ark.pem -keyfile ark.key "${pss[@]}" -crlexts crl \
        -crl_lastupdate 20240101000000Z -crl_nextupdate 20471231235959Z -out "$1.pem"
    openssl crl -in "$1.pem" -outform DER -out "$1.der"
}

hierarchy() {  # FOLDER, below the first one
    mkdir -p "$1"
    cd "$1"
    : >index.txt
    openssl genrsa -out ark.key 4096
    openssl genrsa -out ask.key 4096
    openssl ecparam -name secp384r1 -genkey -noout -out vcek.key.pem
    ln -sf vcek.key.pem vcek.key
    issue ark ARK-Genoa 010000 root self
    issue ask SEV-Genoa 010001 intermediate ark
    issue vcek SEV-VCEK 00 vcek ask
    cat ask.pem ark.pem >chain.pem
    crl crl
    openssl ca -config ../snp.cnf -cert ark.pem -keyfile ark.key -revoke ask.pem "${pss[@]}"
    crl crl-ask-revoked
    openssl verify -CAfile ark.pem -untrusted ask.pem vcek.pem >verify.log
    cd ..
}

hierarchy kept
hierarchy forged
for name in ark ask vcek crl crl-ask-revoked; do
    mv "kept/$name.der" .
done
mv kept/ark.pem kept/chain.pem kept/vcek.key.pem kept/ark.key kept/ask.key .
rm -r kept
(cd forged && rm -f ./*.key ./*.csr index.txt* serial* crlnumber* verify.log ./[0-9]*.pem)
if [ -n "$stamp" ]; then
    touch "$stamp"
fi
