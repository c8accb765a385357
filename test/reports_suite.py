#!/usr/bin/env python3
"""Gives the client program what went wrong in public reports, and wants the right answers.

reports_suite.py RATLS KIND FOLDER; FOLDER is that of the vector collection, with `reports` in it. Without it
the suite is skipped (exit status 77). KIND: eventlog ek import tpm snp fuzz. Each listed value of the
expectations there is compared; what a test here adds to them says why.
"""
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile

from vectors_suite import SKIPPED, Suite

NONCE = "abc123"


class Reports(Suite):
    def failed(self, result):
        return [f["rule"] for f in result.get("findings", []) if f["verdict"] == "fail"]

    def genuine(self, name, code, result):
        self.cases += 1
        self.expect(name, code == 0 and result.get("genuine") is True,
                    "exit %d, failed %s" % (code, self.failed(result)))

    def text(self, *argv):
        done = subprocess.run([self.program, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120)
        return done.returncode, done.stderr.decode()

    def eventlog(self):
        self.logs("eventlog")
        for expectation in sorted(glob.glob(self.path("eventlog", "*.expect.json"))):
            case = json.load(open(expectation))
            if case["parse_error"]:
                continue
            file = expectation[:-len(".expect.json")]
            name = os.path.basename(file)
            _, shown = self.ratls("show", file, "--as", "eventlog", "--json")
            events = shown.get("event_list", [])
            self.expect(name, shown.get("format") ==
                        {"crypto-agile": "tcg-crypto-agile", "legacy": "tcg-sha1"}[case["format"]],
                        "format")
            self.expect(name, shown.get("replay") == case["pcrs"], "replayed values")
            self.expect(name, sorted(shown.get("replay", {})) == sorted(case["banks"]), "banks")
            self.expect(name, sum(e["type"] == "EV_NO_ACTION" for e in events) == case["no_action"],
                        "events that extend nothing")
            self.expect(name, sorted(e["index"] for e in events if e["type"] == "EV_SEPARATOR") ==
                        case["separators"], "separators")

    def quote(self, name, *more):
        return self.verify(self.path("tpm", name + ".msg"), "tpm", "--nonce", NONCE, *more)

    def tpm(self):
        def file(name):
            return self.path("tpm", name)
        rsa = ["--signature", file("rsa-tss.sig"), "--ak", file("ak-rsa.pub")]
        self.genuine("serialized", *self.quote("rsa-tss", *rsa, "--pcrs", file("rsa-tss.pcrs")))
        code, result = self.quote("rsa-tss", *rsa, "--pcrs", file("pcrread-all.yaml"))
        self.cases += 1
        self.expect("all-banks", code in (2, 3) and self.failed(result) == ["tpm.selection"],
                    "exit %d, failed %s" % (code, self.failed(result)))
        self.genuine("ecdsa plain", *self.quote("ecc-plain", "--signature", file("ecc-plain.sig"),
                                                "--ak", file("ak-ecc.pub"), "--pcrs",
                                                file("pcrread.yaml")))
        # Bare values do not say of which PCRs they are.
        self.cases += 1
        code, error = self.text("verify", file("rsa-tss.msg"), "--evidence", "tpm", *rsa, "--pcrs",
                                file("pcrread.values"))
        self.expect("pcrread.values", code == 2 and "bare values" in error, error)
        self.genuine("unextended", *self.unextended())

    def unextended(self, *more):
        def file(name):
            return self.path("tpm", "unextended", name)
        return self.verify(file("quote.attest"), "tpm", "--signature", file("quote.sig"), "--ak",
                           file("ak.pem"), "--nonce", "00" * 8, "--log", file("seabios.bin"), *more)

    def ek(self):
        """A root that is signed with SHA-1 is taken; the NV slot of 0xff is a unit test of the agent."""
        roots = sorted(glob.glob(self.path("ek", "*.pem")))
        self.expect("ek", len(roots) == 2, "%d roots" % len(roots))
        for root in roots:
            self.genuine(os.path.basename(root), *self.unextended("--trust-root", "tpm:" + root))

    def imported(self, name, require, *more):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out.json")
            code, notes = self.text("snapshot", "import", self.path("import", name), "--from", "keylime",
                                    "--name", "web", "--out", out, "--require", require, *more)
            self.cases += 1
            if code != 0:
                return code, notes, {}
            files = json.load(open(out))["ima"]["allow"]
            return code, notes, {f["path"]: f["digests"] for f in files}

    def imports(self):
        # All files of these two have SHA-1 digests, which are carried over on demand only.
        for name, first in (("runtime-policy-test.json", "/boot/grub2/i386-pc/terminfo.mod"),
                            ("ima-allowlist-short.txt", "/boot/grub2/i386-pc/terminfo.mod")):
            code, notes, _ = self.imported(name, first)
            self.expect(name, code == 2 and "--sha1" in notes, "without --sha1: exit %d" % code)
            code, notes, files = self.imported(name, first, "--sha1")
            self.expect(name, code == 0 and len(files) == 20, "%d, %d files" % (code, len(files)))
            self.expect(name, files.get(first) == ["sha1:4860656c6855b6db0c7a2ccc6227a395928986a7"],
                        files.get(first))
            self.expect(name, "boot_aggregate: not carried over" in notes, "boot_aggregate")
        slice_ = "/usr/lib/systemd/system/system-systemd\\x2dcryptsetup.slice"
        code, _, files = self.imported("sha256sum.txt", slice_)
        self.expect("sha256sum.txt", code == 0 and sorted(files) ==
                    [slice_, "/usr/lib/systemd/system/with_space.service"], "%d %s" % (code, files))
        code, _, files = self.imported("sha256sum-b.txt", "/usr/bin/binary-mode")
        self.expect("sha256sum-b.txt", code == 0 and list(files) == ["/usr/bin/binary-mode"],
                    "%d %s" % (code, files))

    def snp(self):
        """The VCEK that verifies the report is found among others, in any order."""
        def file(name):
            return self.path("snp", "masked", name)
        for keys in itertools.permutations(["vcek-0-otherchip", "vcek-1-old", "vcek-2-new"]):
            more = ["--trust-root", "snp:" + file("ark.pem"), "--policy",
                    file("masked-ok.json"), "--endorsements", file("ask.pem")]
            for key in keys:
                more += ["--endorsements", file(key + ".pem")]
            self.genuine("masked " + ", ".join(keys), *self.verify(file("masked.bin"), "snp", *more))

    def fuzz(self):
        """A text that begins as JSON is JSON, whatever else is in it: this one does not read."""
        self.cases += 1
        code, result = self.verify(self.path("snp", "masked", "masked.bin"), "snp", "--endorsements",
                                   self.path("fuzz", "endorsement-json-or-pem.bin"))
        self.expect("endorsement-json-or-pem.bin",
                    code == 2 and "endorsements.form" in self.failed(result),
                    "exit %d, failed %s" % (code, self.failed(result)))


def main(program, kind, folder):
    folder = os.path.join(folder, "reports") if folder else ""
    if not os.path.isdir(folder):
        print("skipped: no reports; give the folder of the vector collection by -Dvectors=DIR or "
              "RATLS_VECTORS")
        return SKIPPED
    suite = Reports(program, folder)
    getattr(suite, {"import": "imports"}.get(kind, kind))()
    for line in suite.wrong:
        print(line)
    print("%s: %d cases, %d disagree" % (kind, suite.cases, len(suite.wrong)))
    return 1 if suite.wrong or not suite.cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], (sys.argv[3] if len(sys.argv) > 3 else "") or
                  os.environ.get("RATLS_VECTORS", "")))
