#!/usr/bin/env python3
"""A Debian with systemd that boots from a signed disk: scores of programs run, in no fixed order.

systemd_test.py BUILD-FOLDER [--cache FOLDER] [--kernel-deb FILE]

What is real and what is not: as in vm_test.py. Exit status 77: something that it needs is not to be had.
"""
import sys

from suite import AGENT_PATH, POLICY_PATH, change_library, main, sha256_with_line

import rootfs
from disk import TOOLS, make_disk, make_uki, require_files, snakeoil_key
from guest_vm import SECURE_BOOT, by_disk, new_tpm
from vm import check

COMMAND_LINE = "console=ttyS0 root=/dev/nvme0n1p2 rw ima_policy=tcb no_timer_check panic=-1 quiet loglevel=4"
LIBRARY = "/usr/lib/x86_64-linux-gnu/libtss2-esys.so.0.0.0"


def systemd_test(test):
    require_files()
    folder = test.folder / "disk"
    folder.mkdir()
    root = folder / "root"
    kernel = folder / "vmlinuz"
    kernel.write_bytes(rootfs.make_root(test.programs.build, root, test.kernel_deb, test.cache))
    _, uki = make_uki(folder, "uki", kernel, None, COMMAND_LINE, *snakeoil_key(folder))
    boot = by_disk(make_disk(folder / "disk.img", uki, root))
    tpm = new_tpm(test.folder / "tpm-state")

    vm = test.boot("systemd", tpm, boot, SECURE_BOOT)
    taken = test.take_snapshot(vm)
    check({"/usr/lib/systemd/systemd", AGENT_PATH, POLICY_PATH, LIBRARY} <= set(taken),
          "the snapshot lists systemd, the agent, its libraries and the IMA policy", sorted(taken))
    # What was observed is not enough: udev and timers run programs for minutes, as they come.
    test.compare_built(vm, root, taken)
    vm.power_off()

    vm = test.boot("systemd-again", tpm, boot, SECURE_BOOT)
    test.accepted(vm.target, "the next boot is accepted by what was built", snapshot=test.built)
    test.snapshot = test.built
    vm.do("cp /usr/bin/true /opt/unknown && /opt/unknown")
    test.refused(vm.target, "an unknown program is refused and named", ["ima.files"],
                 '"/opt/unknown" sha256:')
    change_library(vm, LIBRARY)
    test.refused(vm.target, "a library that was changed is refused and named", ["ima.files"],
                 '"%s" sha256:%s' % (LIBRARY, sha256_with_line(root / LIBRARY[1:])))
    vm.power_off()


if __name__ == "__main__":
    sys.exit(main(__doc__, systemd_test, (*TOOLS, "mmdebstrap", "mke2fs"), needs_initramfs=False))
