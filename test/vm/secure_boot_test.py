#!/usr/bin/env python3
"""A VM that boots from a signed disk: Secure Boot, loader and command line are judged by the boot log.

secure_boot_test.py BUILD-FOLDER [--cache FOLDER] [--kernel-deb FILE]

What is real and what is not: as in vm_test.py. Exit status 77: something that it needs is not to be had.
"""
import json
import sys

import suite
from disk import TOOLS, authenticode, make_disk, make_uki, require_files, snakeoil_key
from guest_vm import COMMAND_LINE, NO_SECURE_BOOT, SECURE_BOOT, GuestVm, by_disk, new_tpm
from vm import check

BOOT_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements"
LOADED_BY_NAME = (4, 7, 9)  # the PCRs whose events the snapshot lists, beside their values


def events_of(test, vm):
    """The SHA-256 digests of the boot log's events, by PCR."""
    log = vm.fetch(BOOT_LOG, test.folder / (vm.name + ".bootlog"))
    shown = test.client.ratls("show", log, "--as", "eventlog", "--json", expect=0)
    events = {}
    for event in json.loads(shown.text)["event_list"]:
        if event["type"] != "EV_NO_ACTION":
            events.setdefault(event["index"], []).append(event["sha256"])
    return events


def signed_boot(test, tpm, disk, uki):
    """The snapshot has values as observed, and what the boot must be as its owner knows it."""
    vm = test.boot("secure-boot", tpm, by_disk(disk), SECURE_BOOT)
    events = events_of(test, vm)
    loader = authenticode(uki)
    check(loader in events[4], "the firmware measured the image that was built", events[4])
    test.take_snapshot(vm, boot={
        "secure_boot": True, "kernel_cmdline": [COMMAND_LINE], "boot_loader_digests": [loader],
        "event_digests": {str(pcr): sorted(set(events[pcr])) for pcr in LOADED_BY_NAME}})
    result = test.accepted(vm.target, "a boot with Secure Boot on is accepted")
    rules = {f["rule"]: f["verdict"] for f in result["findings"]}
    check(all(rules.get(rule) == "pass" for rule in
              ("boot.log", "boot.secure_boot", "boot.loader", "boot.kernel_cmdline", "tpm.pcrs")),
          "Secure Boot, loader and command line were compared", rules)
    vm.power_off()


def other_boots(test, tpm, disk, changed_disk):
    vm = test.boot("secure-boot-off", tpm, by_disk(disk), NO_SECURE_BOOT)
    test.refused(vm.target, "the same disk with Secure Boot off is refused",
                 ["tpm.pcrs", "boot.secure_boot", "boot.loader"], "PCR 7 is ",
                 'name "SecureBoot", value "off"')
    vm.power_off()

    vm = test.boot("other-command-line", tpm, by_disk(changed_disk), SECURE_BOOT)
    test.refused(vm.target, "another command line in a signed image is refused",
                 ["tpm.pcrs", "boot.loader", "boot.kernel_cmdline"], "PCR 4 is ", "PCR 9 is ",
                 "PCR 11 is ")
    vm.power_off()


def unsigned_boot(test, disk):
    vm = GuestVm(test.folder, "unsigned", new_tpm(test.folder / "unsigned-tpm"), by_disk(disk), SECURE_BOOT)
    vm.wait_for_console(b"Access Denied")
    check(True, "the firmware does not start an image that is not signed")
    vm.stop()


def secure_boot_test(test):
    require_files()
    folder = test.folder / "disk"
    folder.mkdir()
    key = snakeoil_key(folder)
    unsigned, signed = make_uki(folder, "uki", test.image.kernel, test.image.initrd, COMMAND_LINE, *key)
    _, changed = make_uki(folder, "changed", test.image.kernel, test.image.initrd,
                          COMMAND_LINE + " nokaslr", *key)
    tpm = new_tpm(test.folder / "tpm-state")
    disk = make_disk(folder / "disk.img", signed)
    signed_boot(test, tpm, disk, signed)
    other_boots(test, tpm, disk, make_disk(folder / "changed.img", changed))
    unsigned_boot(test, make_disk(folder / "unsigned.img", unsigned))


if __name__ == "__main__":
    sys.exit(suite.main(__doc__, secure_boot_test, TOOLS))
