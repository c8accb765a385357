#!/usr/bin/env python3
"""A real boot under emulation proves itself, and every change of it is refused by its name.

vm_test.py BUILD-FOLDER [--cache FOLDER] [--kernel-deb FILE]

Real are firmware, kernel, TPM protocol, boot log, IMA, network and our programs; the TPM is swtpm and
the TEE is pretended. Exit status 77: something that it needs is not to be had.
"""
import sys

import suite
from guest_vm import COMMAND_LINE, by_kernel, new_tpm
from suite import AGENT_PATH, POLICY_PATH, change_library, failed_rules, sha256_with_line
from vm import check, run

IMA_LOG = "/sys/kernel/security/ima/binary_runtime_measurements"
LIBRARY = "/usr/lib/x86_64-linux-gnu/libtss2-esys.so.0"
TOLERATED = "/srv/journal"
SELECTION = "sha256:0,1,2,3,4,5,6,7,8,9,11,12,13,14,15,16"


def first_boot(test, tpm):
    vm = test.boot("first", tpm)
    # The snapshot knows this program, so what it makes is not refused for having run it.
    vm.shell("odd_quote")
    files = test.take_snapshot(vm, tolerate=[TOLERATED])
    measured = {AGENT_PATH, POLICY_PATH, "/init", "/usr/bin/busybox", "/usr/bin/service",
                "/srv/settings", "/usr/lib/modules/virtio_net.ko", LIBRARY,
                "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0"}
    check(measured <= set(files), "the snapshot lists what ran", measured - set(files))
    result = test.accepted(vm.target, "a clean boot is accepted")
    rules = {f["rule"]: f["verdict"] for f in result["findings"]}
    check(all(rules.get(rule) == "pass" for rule in
              ("eventlog.replay", "tpm.pcrs", "ima.replay", "ima.boot_aggregate", "tpm.clock")),
          "boot log, PCRs and IMA log were compared", rules)
    test.compare_built(vm, test.image.root, files)
    odd_quotes(test, vm)

    vm.do("cp /usr/bin/busybox /opt/busybox-unknown && /opt/busybox-unknown true")
    test.refused(vm.target, "an unknown program is refused and named", ["ima.files"],
                 '"/opt/busybox-unknown" sha256:')
    change_library(vm, LIBRARY)
    test.refused(vm.target, "a library that was changed is refused and named", ["ima.files"],
                 '"%s" sha256:%s' % (LIBRARY, sha256_with_line(test.image.root / LIBRARY[1:])))
    test.other_log = vm.fetch(IMA_LOG, test.folder / "first-boot.bin")
    vm.power_off()


def odd_quotes(test, vm):
    """The VM's root uses its own TPM and TEE to make a certificate about less than is asked for."""
    vm.do("ratls-certtool issue --out /run/good.pem --key /run/good-key.pem --name 127.0.0.1")
    test.certificate = vm.fetch("/run/good.pem", test.folder / "good.pem")
    test.key = vm.fetch("/run/good-key.pem", test.folder / "good-key.pem")
    test.log = vm.fetch(IMA_LOG, test.folder / "log.bin")

    def made(how):
        vm.do("odd_quote %s /run/good.pem /run/good-key.pem /run/%s.pem" % (how, how))
        return vm.fetch("/run/%s.pem" % how, test.folder / (how + ".pem"))

    log = ("--log", test.log)
    test.accepted(made("sound"), "a certificate of such a program with a sound quote is accepted", *log)
    test.refused(made("pcr16"), "a quote over PCR 16 in the place of PCR 10 is refused",
                 ["tpm.selection", "tpm.pcr_digest"], SELECTION, more=log)
    test.refused(made("unrestricted"), "a quote by an AK that is not restricted is refused",
                 ["tpm.ak.attributes"], "not restricted", more=log)


def second_boot(test, tpm):
    vm = test.boot("second", tpm)
    test.accepted(vm.target, "the next boot with the same TPM is accepted by the same snapshot")
    # Nothing ran since the certificate was made, so its quote is about this very log.
    log = vm.fetch(IMA_LOG, test.folder / "short.bin")
    log.write_bytes(log.read_bytes()[:-1])
    test.refused(vm.target, "a log that ends within an entry is refused", ["ima.format"],
                 more=("--log", log))
    log.write_bytes(without_last_entry(log.read_bytes()))
    test.refused(vm.target, "a log without its last entry is refused",
                 ["ima.replay", "ima.prefix"], more=("--log", log))

    vm.do("exec 4>>%s; cat %s" % (TOLERATED, TOLERATED))
    result = test.accepted(vm.target, "a violation at a tolerated path is accepted")
    check(result["claims"]["ima"]["violations"] == 1, "and counted", result["claims"]["ima"])
    test.refused(vm.target, "the log of the boot before is refused",
                 ["ima.replay", "ima.prefix"], more=("--log", test.other_log))
    vm.do("exec 4>>/srv/settings; cat /srv/settings")
    test.refused(vm.target, "a file that is read while it is open for writing is refused",
                 ["ima.violations"], '"/srv/settings"')

    vm.do("echo '# more' >>/usr/bin/service; service")
    test.refused(vm.target, "a program that was changed and run again is refused",
                 ["ima.violations", "ima.files"],
                 '"/usr/bin/service" sha256:' + sha256_with_line(test.image.root / "usr/bin/service"))
    vm.power_off()


def changed_boots(test, tpm):
    kernel, initrd = test.image.kernel, test.image.initrd
    other_initrd = test.folder / "other-initrd.gz"
    other_initrd.write_bytes(initrd.read_bytes() + bytes(512))  # the kernel skips zeros
    other_kernel = test.folder / "other-vmlinuz"
    other_kernel.write_bytes(kernel.read_bytes() + bytes(512))
    for name, boot, what, pcr in (
            ("command-line", by_kernel(kernel, initrd, COMMAND_LINE + " nokaslr"),
             "another command line of the kernel", 9),
            ("initrd", by_kernel(kernel, other_initrd), "another initrd", 9),
            ("kernel", by_kernel(other_kernel, initrd), "another kernel", 4)):
        vm = test.boot(name, tpm, boot)
        test.refused(vm.target, what + " is refused", ["tpm.pcrs"], "PCR %d is " % pcr)
        vm.power_off()


def other_tpm(test):
    vm = test.boot("other-tpm", new_tpm(test.folder / "other-tpm-state"))
    test.accepted(vm.target, "the same boot with another TPM that its TEE names is accepted")
    other = vm.fetch("/run/certificate.pem", test.folder / "other.pem")
    log = vm.fetch(IMA_LOG, test.folder / "other-tpm.bin")
    vm.power_off()
    forged = test.folder / "forged.pem"
    run([test.programs.swap_tpm, test.certificate, test.key, other, forged], 0)
    done = test.client.verify(forged, "--log", log, snapshot=test.snapshot)
    check(done.returncode == 2 and "cert.ak_name" in failed_rules(done.json) and
          "cert.qualifying_data" in failed_rules(done.json),
          "a certificate with the quote of another TPM is refused", done.text + done.errors)


def sha1_tpm(test):
    """All else in the certificate is the first boot's: its claims, its PCR values, its log."""
    vm = test.boot("sha1-tpm", new_tpm(test.folder / "sha1-tpm-state", bank="sha1"))
    status, text = vm.shell("ratls-agent --config /etc/ratls/agent.toml")
    check(status != 0 and "this TPM has no sha256 bank" in text,
          "with a TPM that has a SHA-1 bank only the agent does not start, and says so", text)
    vm.put(test.certificate, "/run/good.pem")
    vm.put(test.key, "/run/good-key.pem")
    vm.do("odd_quote sha1 /run/good.pem /run/good-key.pem /run/sha1.pem")
    forged = vm.fetch("/run/sha1.pem", test.folder / "sha1.pem")
    vm.power_off()
    test.refused(forged, "a quote of the SHA-1 bank only is refused",
                 ["tpm.selection", "tpm.pcr_digest"], "sha1:0,1,2,", more=("--log", test.log))


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


def vm_test(test):
    tpm = new_tpm(test.folder / "tpm-state")
    first_boot(test, tpm)
    second_boot(test, tpm)
    changed_boots(test, tpm)
    other_tpm(test)
    sha1_tpm(test)


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, vm_test))
