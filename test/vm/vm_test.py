#!/usr/bin/env python3
"""A real boot under emulation proves itself, and every change of it is refused by its name.

vm_test.py BUILD-FOLDER [--cache FOLDER] [--kernel-deb FILE]

Real are firmware, kernel, TPM protocol, boot log, IMA, network and our programs; the TPM is swtpm and
the TEE is pretended. Exit status 77: something that it needs is not to be had.
"""
import argparse
import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import image
from guest_vm import COMMAND_LINE, GuestVm, missing_tools, new_tpm
from vm import AGENT_PATH, Client, Failure, Programs, Workspace, failed_rules, run

POLICY_PATH = "/etc/ima/ima-policy"
TOLERATED = "/srv/journal"
IMA_LOG = "/sys/kernel/security/ima/binary_runtime_measurements"


class Suite:
    def __init__(self, programs, folder, kernel, initrd):
        self.programs = programs
        self.folder = pathlib.Path(folder)
        self.kernel, self.initrd = kernel, initrd
        self.client = Client(programs, folder)
        self.checks = 0

    def check(self, condition, what, detail=""):
        if not condition:
            raise Failure("%s\n%s" % (what, detail))
        self.checks += 1
        print("ok  " + what, flush=True)

    def boot(self, name, tpm, **changes):
        return GuestVm(self.folder, name, tpm, changes.pop("kernel", self.kernel),
                       changes.pop("initrd", self.initrd), **changes)

    def accepted(self, vm, what):
        done = self.client.verify(vm.target, snapshot=self.snapshot)
        self.check(done.returncode == 0 and done.json["verdict"] == "accepted", what,
                   done.text + done.errors)
        return done.json

    def refused(self, target, what, rules, *words, more=()):
        """Exactly these rules fail, and their findings hold the words."""
        done = self.client.verify(target, *more, snapshot=self.snapshot)
        failed = failed_rules(done.json)
        found = " ".join(f["actual"] for f in done.json.get("findings", []) if f["verdict"] == "fail")
        self.check(done.returncode in (2, 3) and sorted(failed) == sorted(rules) and
                   all(word in found for word in words), what,
                   "failed: %s, wanted: %s %s\n%s%s" % (failed, rules, words, done.text, done.errors))

    def take_snapshot(self, vm):
        """Observed on the first boot; the owner adds the path that may have violations, and signs."""
        self.snapshot = self.client.take(vm, sign=False, require=(AGENT_PATH, POLICY_PATH))
        content = json.loads(self.snapshot.read_text())
        content["ima"]["tolerate_violations"] = [TOLERATED]
        self.snapshot.write_text(json.dumps(content))
        self.client.ratls("snapshot", "sign", self.snapshot, "--key", self.client.key, expect=0)
        return {file["path"] for file in content["ima"]["allow"] + content["ima"]["require"]}

    def first_boot(self, tpm):
        vm = self.boot("first", tpm)
        files = self.take_snapshot(vm)
        measured = {AGENT_PATH, POLICY_PATH, "/init", "/usr/bin/busybox", "/usr/bin/service",
                    "/srv/settings", "/usr/lib/modules/virtio_net.ko",
                    "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0"}
        self.check(measured <= files, "the snapshot lists what ran", measured - files)
        result = self.accepted(vm, "a clean boot is accepted")
        rules = {f["rule"]: f["verdict"] for f in result["findings"]}
        self.check(all(rules.get(rule) == "pass" for rule in
                       ("eventlog.replay", "tpm.pcrs", "ima.replay", "ima.boot_aggregate", "tpm.clock")),
                   "boot log, PCRs and IMA log were compared", rules)

        log = vm.fetch(IMA_LOG, self.folder / "short.bin")
        log.write_bytes(log.read_bytes()[:-1])
        self.refused(vm.target, "a log that ends within an entry is refused", ["ima.format"],
                     more=("--log", log))
        log.write_bytes(without_last_entry(log.read_bytes()))
        self.refused(vm.target, "a log without its last entry is refused",
                     ["ima.replay", "ima.prefix"], more=("--log", log))

        vm.do("cp /usr/bin/busybox /opt/busybox-unknown && /opt/busybox-unknown true")
        self.refused(vm.target, "an unknown program is refused and named", ["ima.files"],
                     '"/opt/busybox-unknown" sha256:')
        self.other_log = vm.fetch(IMA_LOG, self.folder / "first-boot.bin")
        self.certificate = vm.fetch("/run/certificate.pem", self.folder / "certificate.pem")
        self.key = vm.fetch("/run/key.pem", self.folder / "key.pem")
        vm.power_off()

    def second_boot(self, tpm):
        vm = self.boot("second", tpm)
        self.accepted(vm, "the next boot with the same TPM is accepted by the same snapshot")
        vm.do("exec 4>>%s; cat %s" % (TOLERATED, TOLERATED))
        result = self.accepted(vm, "a violation at a tolerated path is accepted")
        self.check(result["claims"]["ima"]["violations"] == 1, "and counted", result["claims"]["ima"])
        # Until here both boots measured the same in the same order.
        self.refused(vm.target, "the log of the boot before is refused",
                     ["ima.replay", "ima.prefix", "ima.files"], "/opt/busybox-unknown",
                     more=("--log", self.other_log))
        vm.do("exec 4>>/srv/settings; cat /srv/settings")
        self.refused(vm.target, "a file that is read while it is open for writing is refused",
                     ["ima.violations"], '"/srv/settings"')

        vm.do("echo '# more' >>/usr/bin/service; service")
        changed = hashlib.sha256((HERE / "guest/service").read_bytes() + b"# more\n").hexdigest()
        self.refused(vm.target, "a program that was changed and run again is refused",
                     ["ima.violations", "ima.files"], '"/usr/bin/service" sha256:' + changed)
        vm.power_off()

    def changed_boots(self, tpm):
        vm = self.boot("command-line", tpm, command_line=COMMAND_LINE + " nokaslr")
        self.refused(vm.target, "another command line of the kernel is refused", ["tpm.pcrs"],
                     "PCR 9 is ")
        vm.power_off()

        other = self.folder / "other-initrd.gz"
        other.write_bytes(self.initrd.read_bytes() + bytes(512))  # the kernel skips zeros
        vm = self.boot("initrd", tpm, initrd=other)
        self.refused(vm.target, "another initrd is refused", ["tpm.pcrs"], "PCR 9 is ")
        vm.power_off()

        other = self.folder / "other-vmlinuz"
        other.write_bytes(self.kernel.read_bytes() + bytes(512))
        vm = self.boot("kernel", tpm, kernel=other)
        self.refused(vm.target, "another kernel is refused", ["tpm.pcrs"], "PCR 4 is ")
        vm.power_off()

    def other_tpm(self):
        vm = self.boot("other-tpm", new_tpm(self.folder / "other-tpm-state"))
        self.accepted(vm, "the same boot with another TPM that its TEE names is accepted")
        other = vm.fetch("/run/certificate.pem", self.folder / "other.pem")
        log = vm.fetch(IMA_LOG, self.folder / "other-tpm.bin")
        vm.power_off()
        forged = self.folder / "forged.pem"
        run([self.programs.swap_tpm, self.certificate, self.key, other, forged], 0)
        done = self.client.verify(forged, "--log", log, snapshot=self.snapshot)
        self.check(done.returncode == 2 and "cert.ak_name" in failed_rules(done.json) and
                   "cert.qualifying_data" in failed_rules(done.json),
                   "a certificate with the quote of another TPM is refused", done.text + done.errors)


def without_last_entry(log):
    """`log` may be cut within its last entry. The form is the one of the kernel's binary list: PCR,
    SHA-1, length and name of the template, length and data of the entry; little-endian."""
    starts, at = [0], 0
    while at < len(log):
        at += 24
        at += 4 + int.from_bytes(log[at:at + 4], "little")
        at += 4 + int.from_bytes(log[at:at + 4], "little")
        starts.append(at)
    return log[:starts[-2]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="folder of the build")
    parser.add_argument("--cache", help="keeps the kernel's package (default: XDG_CACHE_HOME/ratls/kernels)")
    parser.add_argument("--kernel-deb", help="the kernel's package, instead of the mirror's")
    arguments = parser.parse_args()
    missing = missing_tools()
    if missing:
        raise image.Missing("no %s (scripts/setup --vm)" % missing)
    programs = Programs(arguments.build)
    with Workspace() as folder:
        suite = Suite(programs, folder, *image.make(programs.build, pathlib.Path(folder) / "image",
                                                    arguments.cache, arguments.kernel_deb))
        tpm = new_tpm(suite.folder / "tpm-state")
        suite.first_boot(tpm)
        suite.second_boot(tpm)
        suite.changed_boots(tpm)
        suite.other_tpm()
    print("%d checks" % suite.checks)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except image.Missing as missing:
        print("SKIPPED: %s" % missing)
        sys.exit(image.SKIPPED)
    except Failure as failure:
        sys.exit("FAILED: %s" % failure)
