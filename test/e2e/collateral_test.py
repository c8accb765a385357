#!/usr/bin/env python3
"""ratls collateral against a server on loopback that behaves like KDS and PCS.

  collateral_test.py BUILD-FOLDER
"""
import base64
import email.utils
import hashlib
import http.server
import json
import os
import pathlib
import ssl
import sys
import tempfile
import threading
import time
import urllib.parse

from vm import Failure, Programs, check, run

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
from make_seeds import dcap_documents, dcap_quote, pck_certificate

CHIP_ID = hashlib.sha512(b"pretended processor").hexdigest()  # as test/pki/make_snp_pki.sh has it
TCB = bytes([10, 0, 0, 0, 0, 0, 23, 200])
FMSPC = "00806f050000"
VCEK_PATH = "/vcek/v1/Genoa/%s?blSPL=10&teeSPL=00&snpSPL=23&ucodeSPL=200" % CHIP_ID
TCB_PATH = "/tdx/certification/v4/tcb?fmspc=" + FMSPC
QE_PATH = "/tdx/certification/v4/qe/identity"
PCK_CRL_PATH = "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"
ROOT_CRL_PATH = "/sgx/certification/v4/rootcacrl"
INTEL = ["--tee", "tdx", "--fmspc", FMSPC, "--ca", "platform"]


class Answer:
    """Status, headers and body; `length` lies about the body if it is given."""

    def __init__(self, body=b"", status=200, headers=None, length=None):
        self.body, self.status, self.headers, self.length = body, status, headers or {}, length


class Server:
    """Answers by path; a list of answers is given one after the other, the last one for ever."""

    def __init__(self, certificate=None, key=None):
        self.answers = {}
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append(self.path)
                answers = outer.answers.get(self.path, [Answer(status=404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self.close_connection = True
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = len(answer.body) if answer.length is None else answer.length
                self.send_header("Content-Length", str(length))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # clients that do not like the certificate
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.url = "%s://127.0.0.1:%d" % (scheme, self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def put(self, path, *answers):
        self.answers[path] = list(answers)

    def taken(self):
        """The requests since the last call."""
        requests, self.requests = self.requests, []
        return requests

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def intel_json(member, name, days=30, fmspc=FMSPC):
    def at(day):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + day * 86400))
    document = next(d for d in map(json.loads, dcap_documents()) if member in d)
    document[member].update(id=name, issueDate=at(-60), nextUpdate=at(days))
    if member == "tcbInfo":
        document[member]["fmspc"] = fmspc
    return json.dumps(document).encode()


def snp_report(version=3, vlek=False):
    """A report of the pretended processor, signed by nobody."""
    report = bytearray(1184)

    def put(at, content):
        report[at:at + len(content)] = content
    put(0, bytes([version]))
    put(0x08, (0x30000).to_bytes(8, "little"))
    put(0x34, b"\1")
    put(0x48, bytes([4 if vlek else 0]))
    put(0x180, TCB)
    if version > 2:
        put(0x188, bytes([0x19, 0x11, 0x01]))
    if not vlek:
        put(0x1A0, bytes.fromhex(CHIP_ID))
    return bytes(report)


class Scene:
    def __init__(self, build, folder):
        self.programs = Programs(build)
        self.folder = pathlib.Path(folder)
        self.snp_pki = pathlib.Path(self.programs.pki)
        self.pki = pathlib.Path(build).resolve() / "test/pki/collateral"
        self.cache = self.folder / "cache"
        self.ca_file, key = self.folder / "server.pem", self.folder / "server.key"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-keyout", key, "-out", self.ca_file, "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1"], expect=0)
        self.server = Server(self.ca_file, key)
        self.report = self.folder / "report.bin"
        self.report.write_bytes(snp_report())
        self.serve_amd()
        self.serve_intel()

    def chain(self, name):
        return urllib.parse.quote((self.pki / name).read_text())

    def serve_amd(self):
        self.server.put(VCEK_PATH, Answer((self.snp_pki / "vcek.der").read_bytes()))
        self.server.put("/vcek/v1/Genoa/cert_chain", Answer((self.snp_pki / "chain.pem").read_bytes()))
        for kind in ("vcek", "vlek"):
            self.server.put("/%s/v1/Genoa/crl" % kind, Answer((self.snp_pki / "crl.der").read_bytes()))
        self.server.put("/vlek/v1/Genoa/cert_chain", Answer((self.pki / "vlek-chain.pem").read_bytes()))

    def serve_intel(self):
        self.tcb_info = intel_json("tcbInfo", "TDX")
        self.qe_identity = intel_json("enclaveIdentity", "TD_QE")
        signer = self.chain("signer.chain.pem")
        self.server.put(TCB_PATH, Answer(self.tcb_info, headers={"TCB-Info-Issuer-Chain": signer}))
        self.server.put(QE_PATH, Answer(self.qe_identity,
                                        headers={"SGX-Enclave-Identity-Issuer-Chain": signer}))
        self.server.put(PCK_CRL_PATH, Answer((self.pki / "platform.crl.der").read_bytes(), headers={
            "SGX-PCK-CRL-Issuer-Chain": self.chain("platform.chain.pem")}))
        self.server.put(ROOT_CRL_PATH,
                        Answer((self.pki / "root.crl.der").read_bytes().hex().encode()))

    def ratls(self, *arguments, expect=0):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.cache), HOME=str(self.folder))
        done = run([self.programs.ratls, "collateral", *arguments], env=environment)
        if done.returncode != expect:
            raise Failure("%s: exit %d, wanted %d\n%s%s" % (arguments, done.returncode, expect,
                                                            done.text, done.errors))
        return done

    def amd(self, *arguments, expect=0):
        return self.ratls("fetch", "--evidence", "snp", self.report, "--kds", self.server.url,
                          "--ca-file", self.ca_file, *arguments, expect=expect)

    def intel(self, *arguments, expect=0):
        return self.ratls("fetch", *INTEL, "--pcs", self.server.url, "--ca-file", self.ca_file,
                          *arguments, expect=expect)


def files_of(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def fetch_amd(scene):
    result = json.loads(scene.amd("--json").stdout)
    check(scene.server.taken() == [VCEK_PATH, "/vcek/v1/Genoa/cert_chain", "/vcek/v1/Genoa/crl"],
          "a report of a Genoa asks for VCEK, chain and list")
    key = "amd/Genoa/%s-%s" % (CHIP_ID, TCB.hex())
    check(result["key"] == key and result["folder"] == "%s/ratls/collateral/%s" % (scene.cache, key),
          "they are kept under chip and TCB", result)
    check([d["file"] for d in result["documents"]] == ["vcek.der", "cert_chain.pem", "crl.der"] and
          all(d["fetched"] for d in result["documents"]), "the result names them", result)
    check(files_of(result["folder"]) ==
          {"vcek.der": (scene.snp_pki / "vcek.der").read_bytes(),
           "cert_chain.pem": (scene.snp_pki / "chain.pem").read_bytes(),
           "crl.der": (scene.snp_pki / "crl.der").read_bytes()}, "byte by byte")
    done = scene.amd()
    check(scene.server.taken() == [] and "crl.der: kept" in done.text,
          "a second time nothing is fetched", done.text)
    scene.amd("--offline")
    scene.amd("--refresh")
    check(len(scene.server.taken()) == 3, "unless --refresh asks for it")
    out = scene.folder / "amd"
    scene.amd("--out", out)
    check(sorted(files_of(out)) == ["cert_chain.pem", "crl.der", "vcek.der"], "--out names a folder")
    scene.server.taken()


def other_reports(scene):
    good = scene.report
    scene.report = scene.folder / "v2.bin"
    scene.report.write_bytes(snp_report(version=2))
    done = scene.amd(expect=1)
    check("--product" in done.errors and "error: " in done.errors, "version 2 needs --product",
          done.errors)
    scene.amd("--product", "Genoa", "--offline")
    check(scene.server.taken() == [], "with it the set is that of the same chip")
    scene.report.write_bytes(snp_report(vlek=True))
    done = scene.amd("--json")
    check(scene.server.taken() == ["/vlek/v1/Genoa/cert_chain", "/vlek/v1/Genoa/crl"] and
          "VLEK" in done.errors and "certificate table" in done.errors and
          len(json.loads(done.stdout)["not_fetched"]) == 1,
          "a VLEK is not fetched, its chain and list are, and that is said", done.errors)
    scene.report.write_bytes(b"no report")
    scene.amd(expect=2)
    scene.report = scene.folder / "none.bin"
    scene.amd(expect=1)
    check(scene.server.taken() == [], "what is no report asks for nothing")
    scene.report = good


def fetch_intel(scene):
    result = json.loads(scene.intel("--json").stdout)
    check(scene.server.taken() == [TCB_PATH, QE_PATH, PCK_CRL_PATH, ROOT_CRL_PATH],
          "Intel's documents are asked for")
    held = files_of(result["folder"])
    signer = (scene.pki / "signer.chain.pem").read_bytes()
    check(held == {"tcb_info.json": scene.tcb_info, "qe_identity.json": scene.qe_identity,
                   "tcb_info_issuer_chain.pem": signer, "qe_identity_issuer_chain.pem": signer,
                   "pck.crl.der": (scene.pki / "platform.crl.der").read_bytes(),
                   "pck_crl_issuer_chain.pem": (scene.pki / "platform.chain.pem").read_bytes(),
                   "root_ca.crl.der": (scene.pki / "root.crl.der").read_bytes()},
          "and kept as a PCS folder, byte by byte")
    scene.intel()
    check(scene.server.taken() == [], "a second time nothing is fetched")
    return pathlib.Path(result["folder"])


def busy_server(scene):
    good = Answer(scene.tcb_info, headers={"TCB-Info-Issuer-Chain": scene.chain("signer.chain.pem")})
    soon = email.utils.formatdate(time.time() + 1, usegmt=True)
    scene.server.put(TCB_PATH, Answer(status=429, headers={"Retry-After": "0"}),
                     Answer(status=503, headers={"Retry-After": soon}), Answer(status=503), good)
    done = scene.intel("--refresh")
    check(scene.server.taken().count(TCB_PATH) == 4 and done.errors.count("again in") == 3,
          "429 and 503 are tried again", done.errors)
    scene.server.put(TCB_PATH, Answer(status=429, headers={"Retry-After": "3600"}))
    begin = time.monotonic()
    done = scene.intel("--refresh", expect=4)
    check(time.monotonic() - begin < 30 and "status 429" in done.errors and "hint: " in done.errors
          and TCB_PATH in done.errors, "an hour is not waited for", done.errors)
    scene.server.put(TCB_PATH, Answer(status=503))
    scene.server.taken()
    scene.intel("--refresh", "--max-wait", "0", expect=4)
    check(scene.server.taken() == [TCB_PATH], "--max-wait 0 means one attempt")


def bad_answers(scene, folder):
    before = files_of(folder)
    headers = {"TCB-Info-Issuer-Chain": scene.chain("signer.chain.pem")}
    cases = [
        ("a body that ends early", 4, Answer(scene.tcb_info[:100], headers=headers, length=1000)),
        ("a body without its end", 2, Answer(scene.tcb_info[:100], headers=headers)),
        ("a page of HTML", 2, Answer(b"<html>sign in</html>", headers=headers)),
        ("another platform's document", 2,
         Answer(intel_json("tcbInfo", "TDX", fmspc="00906ed50000"), headers=headers)),
        ("an expired document", 2, Answer(intel_json("tcbInfo", "TDX", days=-1), headers=headers)),
        ("a document that is too large", 2, Answer(scene.tcb_info + b" " * 65536, headers=headers)),
        ("no chain", 2, Answer(scene.tcb_info)),
        ("an expired chain", 2, Answer(scene.tcb_info, headers={
            "TCB-Info-Issuer-Chain": scene.chain("expired.chain.pem")})),
        ("a redirect", 4, Answer(status=302, headers={"Location": scene.server.url + QE_PATH})),
        ("status 404", 4, Answer(status=404)),
        ("status 204", 4, Answer(status=204)),
    ]
    for name, code, answer in cases:
        scene.server.put(TCB_PATH, answer)
        done = scene.intel("--refresh", "--max-wait", "0", expect=code)
        check(done.errors.startswith("error: ") and TCB_PATH in done.errors and done.text == "" and
              files_of(folder) == before, "refused, and the old set stays: " + name, done.errors)
    scene.serve_intel()
    scene.server.put(ROOT_CRL_PATH, Answer((scene.pki / "expired.crl.der").read_bytes()))
    scene.intel("--refresh", expect=2)
    check(files_of(folder) == before, "refused if the last document is bad")
    scene.serve_intel()
    scene.server.put(VCEK_PATH, Answer((scene.pki / "turin-vcek.der").read_bytes()))
    done = scene.amd("--refresh", expect=2)
    check("VCEK" in done.errors, "the VCEK of another chip is refused", done.errors)
    scene.serve_amd()
    scene.server.taken()


def trust(scene):
    arguments = ["fetch", *INTEL, "--out", scene.folder / "untrusted", "--max-wait", "0"]
    done = scene.ratls(*arguments, "--pcs", scene.server.url, expect=2)
    check("--ca-file" in done.errors and scene.server.taken() == [],
          "a server that nobody vouches for is refused", done.errors)
    elsewhere = scene.server.url.replace("127.0.0.1", "127.0.0.2")
    done = scene.ratls(*arguments, "--pcs", elsewhere, "--ca-file", scene.ca_file, expect=4)
    check("hint: " in done.errors, "a server that is not there is out of reach", done.errors)
    done = scene.ratls(*arguments, "--pcs", "http://pccs.example", expect=1)
    check("https" in done.errors, "http is refused but to this machine", done.errors)
    check(not (scene.folder / "untrusted").exists(), "nothing of it was written")
    plain = Server()
    try:
        plain.answers = scene.server.answers
        scene.ratls(*arguments, "--pcs", plain.url)
        check(len(plain.taken()) == 4, "http to this machine is allowed")
    finally:
        plain.stop()


def listed_and_exported(scene):
    result = json.loads(scene.ratls("list", "--json").stdout)
    keys = [s["key"] for s in result["sets"]]
    intel = "intel/tdx/%s-platform" % FMSPC
    check(keys == ["amd/Genoa/%s-%s" % (CHIP_ID, TCB.hex()), "amd/Genoa/vlek", intel],
          "the cache is listed", keys)
    kinds = {d["file"]: d["kind"] for d in result["sets"][2]["documents"]}
    check(kinds["tcb_info.json"] == "tcb-info" and kinds["pck.crl.der"] == "crl" and
          all(d["state"] == "current" for s in result["sets"] for d in s["documents"]),
          "with kinds and dates", result)
    text = scene.ratls("list").text
    check(intel in text and "current, valid from" in text, "as text too", text)
    out = scene.folder / "stick" / "pcs"
    scene.ratls("export", intel, "--out", out)
    check(files_of(out) == files_of(scene.cache / "ratls/collateral" / intel), "a set is exported")
    for key in ("intel/tdx/none", "../../..", "/etc", "intel/tdx"):
        done = scene.ratls("export", key, "--out", scene.folder / "x", expect=1)
        check("collateral list" in done.errors and not (scene.folder / "x").exists(),
              "no set of the cache: " + key, done.errors)
    scene.ratls("fetch", *INTEL, "--offline", "--out", out)
    scene.ratls("fetch", *INTEL, "--offline", "--out", scene.folder / "empty", expect=4)
    check(not (scene.folder / "empty").exists(), "offline, a folder that is missing is not made")


def by_quote(scene):
    """A quote names the platform by the PCK certificate that it carries."""
    quote = scene.folder / "quote.bin"
    pem = "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % base64.b64encode(
        pck_certificate()).decode()
    quote.write_bytes(dcap_quote(4, 0x81, pem.encode() + b"\0"))
    done = scene.ratls("fetch", "--evidence", "tdx", quote, "--offline", expect=4)
    check("intel/tdx/000000000000-platform" in done.errors, "a quote says what is wanted", done.errors)
    scene.ratls("fetch", "--evidence", "sgx", quote, "--offline", expect=1)
    scene.ratls("fetch", "--evidence", "tdx", quote, *INTEL, expect=1)
    quote.write_bytes(quote.read_bytes()[:-5])
    scene.ratls("fetch", "--evidence", "tdx", quote, "--offline", expect=2)
    check(scene.server.taken() == [], "and offline nobody is asked")


def usage(scene):
    for arguments in (["fetch"], ["fetch", *INTEL[:4]], ["fetch", *INTEL, "--kds", scene.server.url],
                      ["fetch", *INTEL, "--offline", "--refresh"], ["fetch", "--evidence", "snp"],
                      ["fetch", "--evidence", "snp", scene.report, *INTEL], ["export"], []):
        done = scene.ratls(*arguments, expect=1)
        check(done.text == "", "wrong use: %s" % " ".join(map(str, arguments)), done.text)
    check(scene.server.taken() == [], "wrong use asks for nothing")


def main():
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(sys.argv[1], folder)
        try:
            fetch_amd(scene)
            other_reports(scene)
            pcs = fetch_intel(scene)
            busy_server(scene)
            scene.serve_intel()
            scene.intel("--refresh")
            bad_answers(scene, pcs)
            trust(scene)
            listed_and_exported(scene)
            by_quote(scene)
            usage(scene)
        finally:
            scene.server.stop()
    print("%d checks" % check.passed)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print("FAILED: %s" % failure)
        sys.exit(1)
