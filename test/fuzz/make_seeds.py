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


def event_data():
    """Type and PCR of an event as fuzz_eventlog_decode reads them, and its data."""
    def variable(guid, name, value):
        return (bytes.fromhex(guid) + struct.pack("<QQ", len(name), len(value))
                + name.encode("utf-16-le") + value)

    def signatures(kind, data, count):
        size = 16 + len(data)
        return (bytes.fromhex(kind) + struct.pack("<III", 28 + count * size, 0, size)
                + (bytes(16) + data) * count)

    def node(kind, subkind, body):
        return struct.pack("<BBH", kind, subkind, 4 + len(body)) + body

    path = (node(2, 1, struct.pack("<II", 0x0a0341d0, 0)) + node(1, 1, b"\0\3")
            + node(4, 1, struct.pack("<IQQ16sBB", 1, 2048, 4096, bytes(16), 2, 2))
            + node(4, 4, "\\EFI\\A.EFI\0".encode("utf-16-le")) + node(0x7f, 0xff, b""))
    known = "61dfe48bca93d211aa0d00e098032b8c"
    image_security = "cbb219d73a3d9645a3bcdad00e67656f"
    lists = (signatures("a159c0a5e494a74a87b5ab155c2bf072", b"\x30\3\2\1\5", 1)
             + signatures("2616c4c14c509240aca941f936934328", bytes(32), 3))
    option = (struct.pack("<IH", 1, len(path)) + "Linux\0".encode("utf-16-le") + path)
    partition = bytes(56) + "root".encode("utf-16-le").ljust(72, b"\0")
    table = b"EFI PART" + bytes(84) + struct.pack("<Q", 1) + partition
    return [
        b"\0\0ACPI DATA", b"\1\0StartupLocality\0\3", b"\1\0Spec ID Event03\0" + bytes(12),
        b"\2\0" + bytes(4), b"\3\5Exit Boot Services Invocation",
        b"\4\x09" + struct.pack("<II", 0x8f3b22ec, 13) + b"Linux initrd\0",
        b"\6\0" + "v2\0".encode("utf-16-le"), b"\6\0" + bytes(16), b"\7\1ACPI DATA",
        b"\x08\x08kernel_cmdline: /vmlinuz quiet\0", b"\x08\x09(hd0,gpt1)/vmlinuz\0",
        b"\x08\x0b" + ".linux\0".encode("utf-16-le"), b"\x08\x0benter-initrd",
        b"\x08\x0c" + "quiet\0".encode("utf-16-le"), b"\x08\x0eMokList\0",
        b"\x09\7" + variable(known, "SecureBoot", b"\1"),
        b"\x09\7" + variable(image_security, "db", lists),
        b"\x0a\1" + variable(known, "BootOrder", bytes(4)),
        b"\x0a\1" + variable(known, "Boot0001", option),
        b"\x0b\4" + struct.pack("<QQQQ", 0, 4096, 0, len(path)) + path,
        b"\x0c\5" + table, b"\x0d\0" + bytes(16), b"\x0e\0\2Fv" + bytes(16),
        b"\x0f\7" + variable(image_security, "db", bytes(16) + b"\x30\3\2\1\5"),
    ]


def snp_report(version):
    return struct.pack("<IIQ", version, 1, 0x30000).ljust(0x34, b"\0") + b"\1" + bytes(1184 - 0x35)


def enclave_report():
    return bytes(48) + b"\x05" + bytes(335)


def dcap_quote(version, tee, chain=b"cert"):
    """An SGX quote of version 3, a TDX quote of version 4 or 5, with nothing signed."""
    head = (struct.pack("<HHIHH", version, 2, tee, 0, 0)
            + bytes.fromhex("939a7233f79c4ca9940a0db3957f0607") + bytes(20))
    body = enclave_report() if tee == 0 else bytes(648 if version == 5 else 584)
    if version == 5:
        head += struct.pack("<HI", 3, len(body))
    qe = (enclave_report() + bytes(64) + struct.pack("<H", 32) + bytes(32)
          + struct.pack("<HI", 5, len(chain)) + chain)
    data = bytes(128) + (qe if version == 3 else struct.pack("<HI", 6, len(qe)) + qe)
    return head + body + struct.pack("<I", len(data)) + data


def dcap_documents():
    """A TCB info of TDX and a QE identity, with signatures of zeros."""
    dates = {"issueDate": "2025-05-22T12:00:00Z", "nextUpdate": "2025-06-21T12:00:00Z",
             "tcbEvaluationDataNumber": 17}
    facts = {"tcbDate": "2024-03-13T00:00:00Z", "tcbStatus": "OutOfDate",
             "advisoryIDs": ["INTEL-SA-00001"]}
    isv = [{"tcb": {"isvsvn": 3}, **facts}]
    module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "ff" * 8}
    components = [{"svn": 5, "category": "BIOS", "type": "x"}] * 16
    level = {"tcb": {"sgxtcbcomponents": components, "pcesvn": 11,
                     "tdxtcbcomponents": components}, **facts}
    info = {"id": "TDX", "version": 3, **dates, "fmspc": "90c06f000000", "pceId": "0000",
            "tcbType": 0, "tdxModule": module,
            "tdxModuleIdentities": [{"id": "TDX_01", **module, "tcbLevels": isv}],
            "tcbLevels": [level]}
    identity = {"id": "TD_QE", "version": 2, **dates, "miscselect": "00000000",
                "miscselectMask": "ffffffff", "attributes": "00" * 16, "attributesMask": "ff" * 16,
                "mrsigner": "00" * 32, "isvprodid": 2, "tcbLevels": isv}
    for name, value in (("tcbInfo", info), ("enclaveIdentity", identity)):
        yield json.dumps({name: value, "signature": "00" * 64}).encode()


def tlv(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + length + content


def pck_certificate():
    """A certificate with the SGX extension; key and signature are only of their form."""
    sgx = bytes.fromhex("2a864886f84d010d01")

    def field(numbers, value):
        return tlv(0x30, tlv(6, sgx + bytes(numbers)), value)

    def name(text):
        return tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550403"), tlv(12, text))))

    tcb = [field([2, i], tlv(2, b"\5")) for i in range(1, 18)] + [field([2, 18], tlv(4, bytes(16)))]
    settings = [field([7, i], tlv(1, b"\xff")) for i in range(1, 4)]
    extension = tlv(0x30, field([1], tlv(4, bytes(16))), field([2], tlv(0x30, *tcb)),
                    field([3], tlv(4, bytes(2))), field([4], tlv(4, bytes(6))),
                    field([5], tlv(10, b"\1")), field([6], tlv(4, bytes(16))),
                    field([7], tlv(0x30, *settings)))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    generator = bytes.fromhex(  # of P-256: a point on the curve
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    dates = tlv(0x30, tlv(0x17, b"250101000000Z"), tlv(0x17, b"321231235959Z"))
    tbs = tlv(0x30, bytes.fromhex("a003020102020101"), algorithm,
              name(b"Intel SGX PCK Platform CA"), dates, name(b"Intel SGX PCK Certificate"),
              bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + generator,
              tlv(0xa3, tlv(0x30, tlv(0x30, tlv(6, sgx), tlv(4, extension)))))
    return tlv(0x30, tbs, algorithm, tlv(3, b"\0", tlv(0x30, tlv(2, b"\1"), tlv(2, b"\1"))))


def hcl_report(kind):
    """A report of Azure's paravisor with an RSA key of 2048 bits that is none."""
    key = base64.urlsafe_b64encode(b"\xc1" * 256).decode().rstrip("=")
    runtime = ('{"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"%s"}],"user-data":"%s"}' %
               (key, "00" * 64)).encode()
    data_size = 20 + len(runtime)
    return (b"HCLA" + struct.pack("<IIII", 2, 32 + 1184 + data_size, 2, 0) + bytes(12) + bytes(1184) +
            struct.pack("<IIIII", data_size, 1, kind, 1, len(runtime)) + runtime + bytes(16))


def pem_text(content):
    return ("-----BEGIN CERTIFICATE-----\n" + base64.b64encode(content).decode()
            + "\n-----END CERTIFICATE-----\n")


SMALL = {
    "azure_metadata": [
        json.dumps({"vcekCert": pem_text(b"v"), "tcbm": "00",
                    "certificateChain": pem_text(b"k") + pem_text(b"r")}).encode(),
        b'{"quote":"-__-_w"}',
    ],
    "cbor": [
        bytes.fromhex(text)
        for text in (
            "00", "17", "1818", "190100", "1a00010000", "1b0000000100000000", "40", "43010203",
            "60", "63616263", "80", "83010243616263", "a0", "a201020304", "a2016161616202",
            "a10182416102", "a301830158200000000000000000000000000000000000000000000000000000"
            "00000000000004024003a0",
        )
    ],
    "cert_activation": [
        bytes.fromhex("a201814330010002587a") + bytes(122),
        b"\xa3\x01\x58\x20" + bytes(32) + b"\x02\x44" + b"\0\x02AB" + b"\x03\x43\0\x01A",
        b"\xa1\x01\x58\x20" + bytes(32),
    ],
    "dcap_collateral": list(dcap_documents()),
    "dcap_pck": [pck_certificate()],
    "dcap_quote": [dcap_quote(3, 0), dcap_quote(4, 0x81), dcap_quote(5, 0x81)],
    "endorsement": [
        *dcap_documents(),
        json.dumps({name + suffix: value for name, document in
                    zip(("tcb_info", "qe_identity"), map(json.loads, dcap_documents()))
                    for suffix, value in (("", json.dumps(list(document.values())[0])),
                                          ("_signature", document["signature"]))}).encode(),
        b'{"vcekCert":"-----BEGIN CERTIFICATE-----\\n","certificateChain":""}',
        b"-----BEGIN%20CERTIFICATE-----%0AMAA%3D%0A-----END%20CERTIFICATE-----%0A",
        b"30820003020100",
        b"\xef\xbb\xbf{}",
    ],
    "eventlog": [boot_log()],
    "eventlog_decode": event_data(),
    "hcl_report": [hcl_report(2), hcl_report(4)],
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
        b"10 " + b"11" * 32 + b" iuid|d-ng|n-ng|imode 0 sha256:" + b"22" * 32 + b" /a 33188\n",
    ],
    "ima_log": [
        ima_entry(10, b"ima-ng", b"boot_aggregate") + ima_entry(10, b"ima-ng", b"/usr/bin/true"),
        ima_entry(10, b"d-ng|n-ng", b"boot_aggregate") + ima_entry(10, b"of-tomorrow", b"/x"),
    ],
    "ima_signature": [b"\3\2\4" + b"\xde\xc0\xde\x01" + struct.pack(">H", 5) + b"\x30\3\2\1\1"],
    "import_cosmian": [
        json.dumps({"cloud_type": "Azure", "tpm_policy": None, "filehashes": [["/a", "bb" * 32]],
                    "tee_policy": {"Sev": {"measurement": "11" * 48, "guest_svn": 1,
                                           "family_id": "00" * 16}}}).encode(),
        json.dumps({"tee_policy": {"Tdx": {"header": {}, "body": {"mr_td": "11" * 48,
                                                                 "mr_owner": "00" * 48}}}}).encode(),
    ],
    "import_keylime": [
        json.dumps({"meta": {"version": 1}, "release": 0, "digests": {"/a": ["bb" * 32, "aa" * 20]},
                    "excludes": ["/tmp/.*"], "keyrings": {}, "ima-buf": {"x": ["cc" * 48]},
                    "ima": {"ignored_keyrings": [], "dm_policy": None}}).encode(),
        b"# comment\n" + b"bb" * 32 + b"  /usr/bin/a\n" + b"aa" * 20 + b"  boot_aggregate\n",
        b"\\" + b"bb" * 32 + b" */a\\\\b\\n\nsha256:" + b"bb" * 32 + b"  /c d\n",
    ],
    "json_cursor": [b'{"a":{"b":[1,"\\"}"]},"c":"d"}', b' { "" : null , "x":[{}] } '],
    "json": [
        b"{}", b"[]", b'["",0,-1,true,null]', b'{"a":[1,2,{"b":"c"}],"d":false}',
        b'["\\u00e9\\ud83d\\ude00\\n"]', b"[9007199254740991,-9007199254740991]",
        b' {"ratls_snapshot" : 1, "name" : "x", "files" : {"/bin/true" : ["00ff"]}} ',
    ],
    "pcr_values": [
        b"pcrs:\n  sha256:\n    0 : 0x" + b"00" * 32 + b"\n    10: 0x" + b"AB" * 32 + b"\n",
        json.dumps({"sha256": {"0": "00" * 32, "10": "ab" * 32}}).encode(),
        json.dumps(["00" * 32] * 24).encode(),
        b"quoted: ff54\nsignature:\n  alg: ecdsa\npcrs:\n  sha1:\n    7 : 0x" + b"00" * 20 + b"\ncalcDigest: 00\n",
        struct.pack("<IHBIB", 1, 11, 3, 0x101, 0) + bytes(15 * 8) + struct.pack("<II", 1, 2)
        + (struct.pack("<H", 32) + bytes(64)) * 2 + bytes(6 * 66),
    ],
    "pem": [
        b"-----BEGIN X-----\n%s\n-----END X-----\n" % base64.b64encode(bytes(range(48))),
        b"text\n-----BEGIN A-----\r\nAA==\r\n-----END A-----\n-----BEGIN B-----\n-----END B-----",
    ],
    "policy": [b"{}", b'{"ratls_policy":1}',
               (ROOT / "test/policy_snapshot/default.json").read_bytes()],
    "qgs_response": [
        struct.pack("<HHIIIII", 1, 0, 1, 24 + 5, 0, 0, 5) + b"quote",
        struct.pack("<HHIIIII", 1, 0, 1, 24 + 7, 0, 2, 5) + b"idquote",
        struct.pack("<HHIIIII", 1, 0, 1, 24, 7, 0, 0),
        b"\0\0\x04\x18",
        b"# comment\nport = 4050\n",
    ],
    "snapshot": [b'{"ratls_snapshot":1}'],
    "snp_cert_table": [
        bytes.fromhex("63da758de6644564adc5f4b93be8accd") + struct.pack("<II", 48, 4) + bytes(24)
        + b"cert",
    ],
    "snp_guest_message": [
        struct.pack("<II", 0, 1184).ljust(32, b"\0") + snp_report(3).ljust(4000 - 32, b"\0"),
        struct.pack("<I", 0x16).ljust(4000, b"\0"),
        bytes(32) + bytes(range(1, 33)),
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
    "dcap_collateral": ["tee/*/collateral/*/tcb_info.json", "tee/*/collateral/*/qe_identity.json"],
    "dcap_quote": ["tee/*/*.quote.bin"],
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
