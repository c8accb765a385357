#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets.

  make_seeds.py SEEDS BUILD [VECTORS]

makes SEEDS/TARGET/* from what stands here by hand, from the known answers in test/vectors, from the
certificates that the tests of BUILD made, and from the outside collection if there is one.
"""
import base64
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST = 64 * 1024  # bytes of a seed; larger ones make a target slow


def tpm2b(data):
    return struct.pack(">H", len(data)) + data


def quote():
    """A TPMS_ATTEST of a quote over sha256:0-15."""
    return (bytes.fromhex("ff5443478018") + tpm2b(b"\x00\x0b" + bytes(32)) + tpm2b(bytes(32))
            + bytes(8 + 4 + 4 + 1 + 8) + bytes.fromhex("00000001000b03ffff00") + tpm2b(bytes(32)))


def public_area(curve, size):
    """A TPMT_PUBLIC of a restricted signing key (TPM 2.0 Library, Part 2)."""
    return (struct.pack(">HHI", 0x23, 0x0B, 0x00050072) + tpm2b(b"")
            + struct.pack(">HHHHH", 0x10, 0x18, 0x0B, curve, 0x10)
            + tpm2b(b"\1" * size) + tpm2b(b"\2" * size))


def ima_entry(pcr, name, path):
    data = (struct.pack("<I", 40) + b"sha256:\0" + bytes(range(32))
            + struct.pack("<I", len(path) + 1) + path + b"\0")
    return (struct.pack("<I", pcr) + b"\x11" * 20 + struct.pack("<I", len(name)) + name
            + struct.pack("<I", len(data)) + data)


def boot_log():
    spec = (b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, 2)
            + struct.pack("<HHHH", 4, 20, 11, 32) + b"\0")
    event = (struct.pack("<III", 0, 4, 2) + struct.pack("<H", 4) + bytes(20)
             + struct.pack("<H", 11) + bytes(32) + struct.pack("<I", 4) + bytes(4))
    return struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec + event


def snp_report(version):
    return struct.pack("<IIQ", version, 1, 0x30000).ljust(0x34, b"\0") + b"\1" + bytes(1184 - 0x35)


SMALL = {
    "cbor": [
        bytes.fromhex(text)
        for text in (
            "00", "17", "1818", "190100", "1a00010000", "1b0000000100000000", "40", "43010203",
            "60", "63616263", "80", "83010243616263", "a0", "a201020304", "a2016161616202",
            "a10182416102", "a301830158200000000000000000000000000000000000000000000000000000"
            "00000000000004024003a0",
        )
    ],
    "endorsement": [
        b'{"tcbInfo":{"id":"TDX","issueDate":"2025-06-01T00:00:00Z","nextUpdate":'
        b'"2025-07-01T00:00:00Z","fmspc":"00806F050000"},"signature":"' + b"00" * 64 + b'"}',
        b'{"enclaveIdentity":{"id":"TD_QE","issueDate":"2025-06-01T00:00:00Z","nextUpdate":'
        b'"2025-07-01T00:00:00Z"},"signature":"' + b"00" * 64 + b'"}',
    ],
    "eventlog": [boot_log()],
    "http_date": [b"Sun, 06 Nov 1994 08:49:37 GMT"],
    "http_request": [
        b"GET /.well-known/ratls-vm/ima?from=0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ],
    "http_response": [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
    "ima_ascii": [
        b"10 " + b"11" * 20 + b" ima-ng sha256:" + b"22" * 32 + b" /usr/bin/true\n",
        b"10 " + b"00" * 20 + b" ima-ng sha1:" + b"00" * 20 + b" /tmp/x\n",
        b"10 " + b"11" * 20 + b" ima-sig sha256:" + b"22" * 32 + b" /usr/bin/true 0302\n",
    ],
    "ima_log": [
        ima_entry(10, b"ima-ng", b"boot_aggregate") + ima_entry(10, b"ima-ng", b"/usr/bin/true"),
    ],
    "json": [
        b"{}", b"[]", b'""', b"0", b"-1", b"true", b"null", b'{"a":[1,2,{"b":"c"}],"d":false}',
        b'"\\u00e9\\ud83d\\ude00\\n"', b"[9007199254740991,-9007199254740991]",
        b' {"ratls_snapshot" : 1, "name" : "x", "files" : {"/bin/true" : ["00ff"]}} ',
    ],
    "pcr_values": [
        b"pcrs:\n  sha256:\n    0 : 0x" + b"00" * 32 + b"\n    10: 0x" + b"AB" * 32 + b"\n",
        json.dumps({"sha256": {"0": "00" * 32, "10": "ab" * 32}}).encode(),
        json.dumps(["00" * 32] * 24).encode(),
    ],
    "pem": [
        b"-----BEGIN X-----\n%s\n-----END X-----\n" % base64.b64encode(bytes(range(48))),
        b"text\n-----BEGIN A-----\r\nAA==\r\n-----END A-----\n-----BEGIN B-----\n-----END B-----",
    ],
    "policy": [b"{}", b'{"ratls_policy":1}',
               (ROOT / "test/policy_snapshot/default.json").read_bytes()],
    "snapshot": [b'{"ratls_snapshot":1}'],
    "snp_cert_table": [
        bytes.fromhex("63da758de6644564adc5f4b93be8accd") + struct.pack("<II", 48, 4) + bytes(24)
        + b"cert",
    ],
    "snp_report": [snp_report(version) for version in (2, 3, 5)],
    "text": [b"00ffAB", b"AAEC", b"AA==", b"2025-05-15T21:21:54Z", b"2024-02-29T23:59:59.5+02:00"],
    "tpm_public_area": [public_area(3, 32), public_area(4, 48)],
    "tpm_quote": [quote()],
    "tpm_signature": [
        struct.pack(">HH", 0x18, 0x0B) + tpm2b(b"\1" * 32) + tpm2b(b"\2" * 32),
        struct.pack(">HH", 0x14, 0x0B) + tpm2b(b"\1" * 256),
        struct.pack(">HH", 0x16, 0x0B) + tpm2b(b"\1" * 256),
    ],
}

# target: patterns below the build folder, the outside collection
BUILT = {
    "certificate": ["test/**/pki/*.crt", "test/**/*.der"],
    "crl": ["test/**/*.crl"],
    "endorsement": ["test/pki/collateral/*.der", "test/pki/collateral/*.pem"],
    "pem": ["test/**/pki/*.pem"],
}
OUTSIDE = {
    "certificate": ["tee/snp/*.vek.der"],
    "crl": ["tee/**/*.crl.der"],
    "eventlog": ["eventlog/*.bin", "tee/ccel/*.bin"],
    "ima_ascii": ["ima/*.ascii"],
    "ima_log": ["ima/*.bin"],
    "snp_report": ["tee/snp/*.report.bin"],
}
# target: member of the outside tpm/*.json, in hex
OUTSIDE_TPM = {"tpm_public_area": "ak_public", "tpm_quote": "attest", "tpm_signature": "signature"}
# target: known answers of the project and the member that has the bytes, in hex
KNOWN_ANSWERS = {
    "cert_claims": ("cert/claims.json", ["claims_buffer"]),
    "cert_collection": ("cert/collection.json", ["collection"]),
    "certificate": ("cert/certificate.json", ["certificate"]),
    "cbor": ("cert/collection.json", ["collection"]),
}


def members(value, names):
    """The hex texts of all members of these names, anywhere below."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name in names and isinstance(below, str):
                yield bytes.fromhex(below)
            yield from members(below, names)
    elif isinstance(value, list):
        for below in value:
            yield from members(below, names)


def seeds(build, outside):
    for target, contents in SMALL.items():
        for content in contents:
            yield target, content
    for target, (name, keys) in KNOWN_ANSWERS.items():
        path = ROOT / "test/vectors" / name
        for content in members(json.loads(path.read_text()), keys):
            yield target, content
    for folder, table in ((build, BUILT), (outside, OUTSIDE)):
        for target, patterns in table.items() if folder else ():
            for pattern in patterns:
                for path in sorted(folder.glob(pattern)):
                    yield target, path.read_bytes()
    for path in sorted(outside.glob("tpm/*.json")) if outside else ():
        known = json.loads(path.read_text())
        for target, name in OUTSIDE_TPM.items():
            if isinstance(known, dict) and isinstance(known.get(name), str):
                yield target, bytes.fromhex(known[name])


def main():
    out, build, *outside = map(pathlib.Path, sys.argv[1:])
    counts = {}
    for target, content in seeds(build, outside[0] if outside else None):
        if len(content) > MOST:
            continue
        counts[target] = number = counts.get(target, -1) + 1
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(content)


if __name__ == "__main__":
    main()
