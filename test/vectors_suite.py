#!/usr/bin/env python3
"""Walks the large outside vector collection with the client program.

vectors_suite.py RATLS KIND FOLDER; without a folder the suite is skipped (exit status 77).
KIND: snp tdx sgx azure ccel tpm ima eventlog vm. Verdicts and values are those that the collection lists.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


class Suite:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.cases = 0
        self.wrong = []

    def ratls(self, *argv):
        done = subprocess.run([self.program, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, {}

    def expect(self, name, condition, detail):
        if not condition:
            self.wrong.append("%s: %s" % (name, detail))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def verify(self, target, kind, *more):
        return self.ratls("verify", target, "--evidence", kind, "--offline", "--evidence-only",
                          "--json", *more)

    def judge(self, name, code, result, codes, genuine):
        self.cases += 1
        self.expect(name, code in codes and result.get("genuine") == genuine,
                    "exit %d, genuine %s, failed %s" %
                    (code, result.get("genuine"),
                     [f["rule"] for f in result.get("findings", []) if f["verdict"] == "fail"]))

    def snp(self):
        for case in json.load(open(self.path("tee", "snp", "cases.json"))):
            name = case["name"]
            more = ["--endorsements", self.path("tee", case["vek"]), "--at-time", case["verify_at"]]
            own = [p for p in (self.path("tee", "snp", name + end)
                               for end in (".ark.pem", ".ask.pem")) if os.path.exists(p)]
            for chain in own or [self.path("tee", "roots", "amd")]:
                more += ["--endorsements", chain]
            code, result = self.verify(self.path("tee", case["report"]), "snp", *more)
            valid = case["expected"] == "valid"
            self.judge(name, code, result, {0, 3} if valid else {2}, valid)
            if valid:
                shown = result["claims"]["snp"]
                for key, wanted in case["fields"].items():
                    if key in shown:
                        self.expect(name, shown[key] == wanted,
                                    "%s is %r, wanted %r" % (key, shown[key], wanted))
                debug = int(case["fields"]["policy"], 16) >> 19 & 1
                self.expect(name, not debug or code == 3, "a debug guest is refused")

    def intel(self, kind):
        for case in json.load(open(self.path("tee", kind, "cases.json"))):
            name = case["name"]
            more = ["--at-time", case["verify_at"]]
            if case.get("collateral"):
                more += ["--endorsements", self.path("tee", case["collateral"])]
            code, result = self.verify(self.path("tee", case["quote"]), kind, *more)
            valid = case["expected"] == "valid"
            self.judge(name, code, result, {0, 3} if valid else {2}, valid)
            if not valid:
                continue
            self.expect(name, (result["tcb"]["status"], sorted(result["tcb"]["advisories"])) ==
                        (case["tcb_status"], sorted(case["advisories"])), result["tcb"])
            names = {"tdattr": "tdattributes", "seamattr": "seamattributes", "attr": "attributes",
                     "qe_svn_hdr": "qe_svn", "pce_svn_hdr": "pce_svn", "tee": "tee_type"}
            shown = result["claims"][kind]
            pck = case["fields"].get("pck", {})
            for key, wanted in case["fields"].items():
                key = names.get(key, key)
                if key in shown:
                    self.expect(name, shown[key] == wanted,
                                "%s is %r, wanted %r" % (key, shown[key], wanted))
            for key in ("fmspc", "pceid", "pcesvn", "cpusvn", "ppid"):
                self.expect(name, result["claims"]["pck"][key] == pck.get(key), "PCK " + key)
            # The default policy wants UpToDate, no debugging and no service TD.
            debug = (int(shown["tdattributes"][:2], 16) & 1 if kind == "tdx"
                     else int(shown["attributes"][:2], 16) & 2)
            service = int(shown.get("mrservicetd", "00"), 16)
            good = case["tcb_status"] == "UpToDate" and not debug and not service
            self.expect(name, code == (0 if good else 3), "exit %d" % code)

    def azure(self):
        for case in json.load(open(self.path("tee", "azure", "cases.json"))):
            more = ["--endorsements", self.path("tee", "roots", "amd")]
            for key, option in (("vek", "--endorsements"), ("tpm_quote_msg", "--tpm-quote"),
                                ("tpm_quote_sig", "--signature"), ("pcrs", "--pcrs"),
                                ("td_quote", "--td-quote")):
                if case.get(key):
                    more += [option, self.path("tee", case[key])]
            if case.get("verify_at"):
                more += ["--at-time", case["verify_at"]]
            if case.get("tpm_quote_msg"):
                more += ["--nonce", case["tpm"]["extra"]]
            code, result = self.verify(self.path("tee", case["hcl"]), "hcl", *more)
            valid = case["expected"] == "valid"
            tdx = case["hw"] == "TDX"  # without Intel's documents nothing can be said
            self.judge(case["name"], code, result, {4} if tdx else {0, 3} if valid else {2},
                       valid and not tdx)

    def ccel(self):
        for case in json.load(open(self.path("tee", "ccel", "cases.json"))):
            name = case["name"]
            self.cases += 1
            code, shown = self.ratls("show", self.path("tee", case["log"]), "--as", "ccel", "--json")
            self.expect(name, code == 0, "exit %d" % code)
            replay = shown.get("replay", {}).get("sha384", {})
            for register, wanted in case["rtmr"].items():
                self.expect(name, replay.get(register.lower(), "00" * 48) == wanted, register)
            # A duplicated separator has the form of a log; only the quote shows that it is wrong.
            if name.startswith("cos-113"):
                code, result = self.verify(
                    self.path("tee", "tdx", "v4-uptodate-ccel.quote.bin"), "tdx", "--endorsements",
                    self.path("tee", "tdx", "collateral", "00806f-2025-06"), "--at-time",
                    "2025-06-26T21:50:26Z", "--log", self.path("tee", case["log"]))
                valid = case["expected"] == "valid"
                self.judge(name + " against its quote", code, result, {0} if valid else {2}, valid)

    def tpm(self):
        for file in sorted(glob.glob(self.path("tpm", "*.json"))):
            case = json.load(open(file))
            if case.get("ak_trusted") is False:
                continue
            with tempfile.TemporaryDirectory() as folder:
                def put(name, content):
                    path = os.path.join(folder, name)
                    with open(path, "wb") as out:
                        out.write(content)
                    return path
                ak = (put("ak", bytes.fromhex(case["ak_public"])) if case.get("ak_public")
                      else put("ak.pem", case["ak_pem"].encode()))
                more = ["--signature", put("signature", bytes.fromhex(case["signature"])), "--ak", ak,
                        "--pcrs", put("pcrs.json", json.dumps(case["pcrs"]).encode())]
                if case.get("nonce"):
                    more += ["--nonce", case["nonce"]]
                code, result = self.verify(put("attest", bytes.fromhex(case["attest"])), "tpm", *more)
            verdict = case["expect"]["verdict"]
            self.judge(os.path.basename(file), code, result,
                       {"accept": {0}, "accept-weak": {3}}.get(verdict, {2}), verdict != "reject")

    def logs(self, kind):
        for expectation in sorted(glob.glob(self.path(kind, "*.expect.json"))):
            file = expectation[:-len(".expect.json")]
            if os.path.basename(file).startswith("ccel"):
                continue
            case = json.load(open(expectation))
            self.cases += 1
            code, shown = self.ratls("show", file, "--as", kind, "--json")
            name = os.path.basename(file)
            malformed = bool(case.get("parse_error"))
            rejected = malformed or (kind == "ima" and case.get("verdict") == "reject")
            self.expect(name, code == (2 if rejected else 0), "exit %d" % code)
            if rejected:
                continue
            if kind == "eventlog":
                self.expect(name, shown["events"] == case["events"], "%d events" % shown["events"])
                if case.get("verdict") == "reject":
                    self.expect(name, case["event"] in shown["digest_not_of_data"], "changed data")
            wanted = ({b: {"10": v} for b, v in case["pcr10"].items()} if kind == "ima"
                      else case["pcrs"])
            if kind == "ima":
                self.expect(name, shown["entries"] == case["entries"] and
                            shown["violations"] == case.get("violations", 0), "numbers of entries")
            for bank, values in wanted.items():
                for index, value in values.items():
                    self.expect(name, shown["replay"].get(bank, {}).get(index, value) == value,
                                "%s:%s differs" % (bank, index))

    def vm(self):
        for folder in sorted(glob.glob(self.path("vm", "*", "case.json"))):
            folder = os.path.dirname(folder)
            case = json.load(open(os.path.join(folder, "case.json")))
            for quote, facts in case["quotes"].items():
                if quote == "quote_rsa_both" or not os.path.exists(os.path.join(folder, quote + ".msg")):
                    continue  # two banks: without claimed values no one log proves both
                sound = case["expected"]["evidence_consistent"].get(quote, True)
                def file(name):
                    return os.path.join(folder, name)
                code, result = self.verify(
                    file(quote + ".msg"), "tpm", "--signature", file(quote + ".sig"), "--ak",
                    file("ak_ecc_pub.tpm2b"), "--nonce", facts["nonce"], "--log",
                    file("ima_binary_runtime_measurements"), "--log", file("binary_bios_measurements"))
                self.judge(os.path.basename(folder) + "/" + quote, code, result,
                           {0, 3} if sound else {2}, sound)
                if sound:
                    self.expect(folder, result["claims"]["ima"]["entries_quoted"] ==
                                facts["matches_log_prefix"], "prefix")


def main(program, kind, folder):
    if not folder or not os.path.isdir(folder):
        print("skipped: no vector collection; give its folder by -Dvectors=DIR or RATLS_VECTORS")
        return SKIPPED
    suite = Suite(program, folder)
    {"ima": lambda: suite.logs("ima"), "eventlog": lambda: suite.logs("eventlog"),
     "tdx": lambda: suite.intel("tdx"), "sgx": lambda: suite.intel("sgx")}.get(
        kind, getattr(suite, kind, None))()
    for line in suite.wrong:
        print(line)
    print("%s: %d cases, %d disagree" % (kind, suite.cases, len(suite.wrong)))
    return 1 if suite.wrong or not suite.cases else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], (sys.argv[3] if len(sys.argv) > 3 else "") or
                  os.environ.get("RATLS_VECTORS", "")))
