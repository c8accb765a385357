#!/usr/bin/env python3
"""Known answers of the certificate profile ratls-vm/1 (docs/certificate.md), made independently.

  make_kat.py                  writes test/vectors/cert/*.json
  make_kat.py --check          exit 1 if the files differ from what would be written
  make_kat.py --seeds FOLDER   writes the same as seeds of the fuzz targets: FOLDER/TARGET/*

Standard library only; it has its own CBOR, DER and ECDSA and shares nothing with the C++ code. All
inputs are fixed, so the output is the same everywhere. Its private key is the number 1: never use
this arithmetic, which is neither constant in time nor random, for anything else.
"""
import datetime
import hashlib
import json
import pathlib
import struct
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "vectors/cert"


# ---- CBOR, RFC 8949: ints, bytes, str, list, dict; dict keys sorted by their encoded bytes

def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for info, code in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if n < 1 << 8 * struct.calcsize(code):
            return bytes([major << 5 | info]) + struct.pack(code, n)
    raise ValueError(n)


def cbor(value):
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(cbor(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((cbor(key), cbor(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise TypeError(type(value))


def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def pattern(seed, size):
    """Fixed bytes without structure: SHA-256 in counter mode."""
    out = b""
    while len(out) < size:
        out += sha256(seed.encode(), len(out).to_bytes(4, "big"))
    return out[:size]


def stored(data):
    """A raw deflate stream of one stored block (RFC 1951, 3.2.4)."""
    return b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data


# ---- DER, X.690

def der(tag, *pieces):
    content = b"".join(pieces)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*pieces):
    return der(0x30, *pieces)


def integer(n):
    return der(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def oid(dotted):
    arcs = [int(arc) for arc in dotted.split(".")]
    content = b""
    for arc in [40 * arcs[0] + arcs[1]] + arcs[2:]:
        part = bytes([arc & 0x7F])
        while arc > 0x7F:
            arc >>= 7
            part = bytes([0x80 | arc & 0x7F]) + part
        content += part
    return der(0x06, content)


# ---- ECDSA on P-256 (SP 800-186, FIPS 186-5), only as far as this file needs it

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GENERATOR = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
             0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar, point):
    out = None
    while scalar:
        if scalar & 1:
            out = add(out, point)
        point = add(point, point)
        scalar >>= 1
    return out


PRIVATE = 1  # so the public point is the generator


def ecdsa(message):
    digest = int.from_bytes(sha256(message), "big")
    k = int.from_bytes(sha256(b"nonce", message), "big") % N
    r = multiply(k, GENERATOR)[0] % N
    s = pow(k, -1, N) * (digest + r * PRIVATE) % N
    return sequence(integer(r), integer(s))


SPKI = sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
                der(0x03, b"\x00\x04", *(n.to_bytes(32, "big") for n in GENERATOR)))
NONCE = bytes(range(0x40, 0x60))
EXPORTER = bytes(range(0xC0, 0xE0))
NOT_BEFORE = 1790000000
NOT_AFTER = NOT_BEFORE + 86400


# ---- layout

def claims_buffer(fields):
    """`fields` by the names of the JSON files."""
    native = {1: 1, 2: [fields["not_before"], fields["not_after"]], 6: fields["issued_at"],
              13: fields["max_fresh"], 14: fields["key_origin"]}
    for key, name in ((3, "ak_name"), (5, "eventlog_sha256"), (8, "binder"), (9, "other_spki"),
                      (10, "service_names"), (11, "snapshot_sha256"), (12, "acme_accounts"),
                      (15, "owner_spki"), (16, "agent_config"), (17, "gpu_certificates")):
        if name in fields:
            native[key] = fields[name]
    if "ima" in fields:
        ima = fields["ima"]
        native[4] = [ima["entries"], ima["log_sha256"], ima["pcr10"], 1]
    if "beacon" in fields:
        native[7] = [fields["beacon"]["kind"], fields["beacon"]["sha256"]]
    buffer = {"ratls-vm": cbor(native), "pubkey-hash": cbor([1, fields["pubkey_sha256"]])}
    if "nonce" in fields:
        buffer["nonce"] = fields["nonce"]
    return cbor(buffer)


def record(media, content, indicator=4):
    return ["application/vnd.ratls-vm." + media, content, indicator]


def collection(fields):
    labels = {1: record("claims+cbor", fields["claims_buffer"]),
              "__cmwc_t": "tag:ratls-vm,2026:cert/1"}
    if "tee" in fields:
        media = {"sev-snp": "sev-snp-report", "tdx": "tdx-quote"}[fields["tee"]["type"]]
        labels[2] = record(media, fields["tee"]["evidence"])
    if "tpm" in fields:
        tpm = fields["tpm"]
        quote = [tpm["attest"], tpm["signature"], tpm["ak_public"], tpm["pcr_values"]]
        if "ak_certificates" in tpm:
            quote.append(tpm["ak_certificates"])
        labels[3] = record("tpm-quote+cbor", cbor(quote))
    if "ima" in fields:
        ima = fields["ima"]
        labels[4] = record("ima+cbor", cbor([ima["entries"], ima["log_sha256"]]))
    if "eventlog" in fields:
        log = fields["eventlog"]
        item = [log["kind"], log["sha256"]] + ([log["deflated"]] if "deflated" in log else [])
        labels[5] = record("eventlog+cbor", cbor(item))
    if "endorsements" in fields:
        documents = {int(key): value for key, value in fields["endorsements"].items()}
        if fields.get("stored"):  # every document as [1, deflate(document)]
            documents = {key: [1, stored(value)] for key, value in documents.items()}
        labels[6] = record("endorsements+cbor", cbor(documents), 2)
    if "nvgpu" in fields:
        labels[7] = record("nvgpu-evidence+cbor", fields["nvgpu"])
    if "hcl_report" in fields:
        labels[8] = record("hcl-report", fields["hcl_report"])
    return cbor(labels)


# ---- cases

MINIMAL = {
    "pubkey_sha256": sha256(SPKI), "not_before": NOT_BEFORE, "not_after": NOT_AFTER,
    "issued_at": NOT_BEFORE + 300, "max_fresh": 1, "key_origin": 0,
}
AK_PUBLIC = pattern("ak-public", 88)
EVENT_LOG = pattern("event log", 300)
TCB_INFO = pattern("tcb info", 400)
TYPICAL = dict(
    MINIMAL,
    ak_name=b"\x00\x0b" + sha256(AK_PUBLIC),
    ima={"entries": 1204, "log_sha256": sha256(b"ima log"), "pcr10": sha256(b"pcr 10")},
    eventlog_sha256=sha256(EVENT_LOG), max_fresh=3,
    service_names=["vm.example.org", "192.0.2.1"])
FULL = dict(
    TYPICAL, nonce=NONCE, beacon={"kind": 3, "sha256": sha256(TCB_INFO)},
    binder=sha256(b"ratls-vm/binder/1\x00", b"S", sha256(SPKI), NONCE, EXPORTER),
    other_spki=[sha256(b"public key 1"), sha256(b"public key 2")],
    snapshot_sha256=sha256(b"snapshot"),
    acme_accounts=["https://acme.example.org/acct/1"], key_origin=1,
    owner_spki=sha256(b"owner"), agent_config=sha256(b"configuration"),
    gpu_certificates=[sha256(b"gpu 1")])


def tdx_quote():
    """Only as much form as the certificate needs: version 4, sizes, no padding."""
    signature = pattern("tdx signature", 700)
    return (struct.pack("<HHI", 4, 2, 0x81) + pattern("tdx header", 40) + pattern("tdx body", 584)
            + struct.pack("<I", len(signature)) + signature)


def tpm(certificates):
    out = {"attest": pattern("attest", 129), "signature": pattern("signature", 72),
           "ak_public": AK_PUBLIC, "pcr_values": [sha256(b"pcr", bytes([i])) for i in range(16)]}
    if certificates:
        out["ak_certificates"] = [pattern("ak certificate", 600), pattern("ak ca", 300)]
    return out


SNP = {"type": "sev-snp", "evidence": pattern("snp report", 1184)}
PARTS = {
    "ima": {"entries": 1206, "log_sha256": sha256(b"longer ima log")},
    "eventlog": {"kind": 1, "sha256": sha256(EVENT_LOG)},
}


def claims_cases():
    cases = {"minimal": MINIMAL, "without nonce": TYPICAL, "with nonce": dict(MINIMAL, nonce=NONCE),
             "every claim": FULL}
    out = []
    for name, fields in cases.items():
        buffer = claims_buffer(fields)
        out.append({"name": name, "fields": fields, "claims_buffer": buffer,
                    "sha256": sha256(buffer)})
    return out


def collection_cases():
    cases = {
        "claims alone": {"claims_buffer": claims_buffer(MINIMAL)},
        "SNP": {"claims_buffer": claims_buffer(TYPICAL), "tee": SNP, "tpm": tpm(False), **PARTS,
                "endorsements": {"1": pattern("vcek", 500), "2": pattern("ask", 600)}},
        "TDX, every label": {
            "claims_buffer": claims_buffer(FULL), "tee": {"type": "tdx", "evidence": tdx_quote()},
            "tpm": tpm(True), "ima": PARTS["ima"],
            "eventlog": dict(PARTS["eventlog"], kind=2, deflated=stored(EVENT_LOG)),
            "endorsements": {"10": TCB_INFO, **{str(key): pattern(f"document {key}", 50 + key)
                                                for key in (1, 2, 3, 11, 12, 13, 14)}},
            "nvgpu": cbor([1, pattern("gpu", 100)]), "hcl_report": pattern("hcl", 200)},
        "deflated documents": {
            "claims_buffer": claims_buffer(MINIMAL), "tee": SNP, "stored": True,
            "endorsements": {"10": TCB_INFO, "14": pattern("chains", 700)}},
    }
    return [{"name": name, "fields": fields, "collection": collection(fields)}
            for name, fields in cases.items()]


def bindings():
    buffer = claims_buffer(TYPICAL)
    quote = b"ratls-vm/tpm-quote/1\x00"
    return {
        "spki": SPKI, "spki_sha256": sha256(SPKI), "claims_buffer": buffer,
        "evidence": SNP["evidence"], "nonce": NONCE, "exporter": EXPORTER,
        "report_data": sha256(buffer) + bytes(32),
        "qualifying_data": sha256(quote, sha256(buffer), sha256(SNP["evidence"])),
        "qualifying_data_without_tee": sha256(quote, sha256(buffer), bytes(32)),
        "gpu_nonce": sha256(b"ratls-vm/gpu/1\x00", sha256(buffer)),
        "binder_server": sha256(b"ratls-vm/binder/1\x00", b"S", sha256(SPKI), NONCE, EXPORTER),
        "binder_client": sha256(b"ratls-vm/binder/1\x00", b"C", sha256(SPKI), NONCE, EXPORTER),
    }


def extension(dotted, value, critical=False):
    return sequence(oid(dotted), der(0x01, b"\xff") if critical else b"", der(0x04, value))


def certificate(cbor_bytes):
    """Self-signed with the key above; the form of docs/certificate.md."""
    def time(seconds):
        return der(0x17, datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
                   .strftime("%y%m%d%H%M%SZ").encode())

    name = sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0C, b"vm.example.org"))))
    algorithm = sequence(oid("1.2.840.10045.4.3.2"))
    extensions = sequence(
        extension("2.5.29.19", sequence(), critical=True),
        extension("2.5.29.15", der(0x03, b"\x07\x80"), critical=True),
        extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
        extension("2.5.29.17", sequence(der(0x82, b"vm.example.org"),
                                        der(0x87, bytes([192, 0, 2, 1])))),
        extension("1.3.6.1.5.5.7.1.35", der(0x04, cbor_bytes)))
    tbs = sequence(der(0xA0, integer(2)), der(0x02, b"\x4f" + pattern("serial", 15)), algorithm,
                   name, sequence(time(NOT_BEFORE), time(NOT_AFTER)), name, SPKI,
                   der(0xA3, extensions))
    return sequence(tbs, algorithm, der(0x03, b"\x00", ecdsa(tbs)))


def certificate_cases():
    return [{"name": case["name"], "collection": case["collection"],
             "certificate": certificate(case["collection"])}
            for case in collection_cases() if case["name"] != "deflated documents"]


def plain(value):
    """With byte strings in hex, for JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def write_seeds(folder):
    seeds = {"cert_claims": [case["claims_buffer"] for case in claims_cases()],
             "cert_collection": [case["collection"] for case in collection_cases()],
             "certificate": [case["certificate"] for case in certificate_cases()]}
    for target, contents in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(contents):
            (folder / target / f"known-{number}").write_bytes(content)


def main():
    if sys.argv[1:2] == ["--seeds"]:
        write_seeds(pathlib.Path(sys.argv[2]))
        return 0
    files = {"claims.json": {"cases": claims_cases()},
             "collection.json": {"cases": collection_cases()}, "binding.json": bindings(),
             "certificate.json": {"cases": certificate_cases()}}
    made_by = "test/kat/make_kat.py; not edited by hand"
    stale = []
    for name, content in files.items():
        text = json.dumps({"made_by": made_by, **plain(content)}, indent=1) + "\n"
        path = FOLDER / name
        if sys.argv[1:] != ["--check"]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    for name in stale:
        print(f"test/vectors/cert/{name} is not what test/kat/make_kat.py writes")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
