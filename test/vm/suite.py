"""What the tests of the VM share: boots, checks, and the client that judges. They import it first: it
adds the folder of the end-to-end tests."""
import argparse
import hashlib
import json
import os
import pathlib
import sys

os.environ["PATH"] += ":/usr/sbin"  # sfdisk, if this is not root
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import image
from guest_vm import PLAIN, GuestVm, by_kernel, missing_tools
from vm import AGENT_PATH, Client, Failure, Programs, Workspace, check, failed_rules

POLICY_PATH = "/etc/ima/ima-policy"


class Suite:
    def __init__(self, programs, folder, cache, kernel_deb):
        self.programs = programs
        self.folder = pathlib.Path(folder)
        self.cache, self.kernel_deb = cache, kernel_deb
        self.client = Client(programs, folder)

    def boot(self, name, tpm, boot=None, firmware=PLAIN):
        vm = GuestVm(self.folder, name, tpm, boot or by_kernel(self.image.kernel, self.image.initrd),
                     firmware)
        vm.wait()
        return vm

    def accepted(self, target, what, *more, snapshot=None):
        done = self.client.verify(target, *more, snapshot=snapshot or self.snapshot)
        check(done.returncode == 0 and done.json["verdict"] == "accepted", what,
              done.text + done.errors)
        return done.json

    def refused(self, target, what, rules, *words, more=()):
        """Exactly these rules fail, and their findings hold the words."""
        done = self.client.verify(target, *more, snapshot=self.snapshot)
        failed = failed_rules(done.json)
        found = " ".join(f["actual"] for f in done.json.get("findings", []) if f["verdict"] == "fail")
        check(done.returncode in (2, 3) and sorted(failed) == sorted(rules) and
              all(word in found for word in words), what,
              "failed: %s, wanted: %s %s\n%s%s" % (failed, rules, words, done.text, done.errors))

    def take_snapshot(self, vm, tolerate=(), **additions):
        """Observed on a first boot; the owner adds the paths that may have violations, and signs.
        Returns the digests by path. `additions` go into its part "tpm"."""
        self.snapshot = self.client.take(vm, sign=False, require=(AGENT_PATH, POLICY_PATH))
        content = json.loads(self.snapshot.read_text())
        content["ima"]["tolerate_violations"] = list(tolerate)
        content["tpm"].update(additions)
        self.write_snapshot(self.snapshot, content)
        return files_of(content)

    def compare_built(self, vm, root, taken):
        """`snapshot build` from the image's files says of what ran the same as `snapshot take`. The
        snapshot `built` has its files, and all else as it was taken."""
        self.built = self.folder / "built.json"
        self.client.ratls("snapshot", "build", root, "--name", "demo", "--require", AGENT_PATH,
                          "--require", POLICY_PATH, "--out", self.built, expect=0)
        files = json.loads(self.built.read_text())["ima"]
        digests = files_of({"ima": files})
        different = {path: (values, digests.get(path)) for path, values in taken.items()
                     if digests.get(path) != values}
        check(not different, "a snapshot built from the image has the %d files that ran, with the "
              "same digests" % len(taken), different)
        content = json.loads(self.snapshot.read_text())
        content["ima"] = files
        del content["signatures"]
        self.write_snapshot(self.built, content)
        self.accepted(vm.target, "and the boot is accepted by what was built", snapshot=self.built)

    def write_snapshot(self, path, content):
        path.write_text(json.dumps(content))
        self.client.ratls("snapshot", "sign", path, "--key", self.client.key, expect=0)


def files_of(snapshot):
    """The digests by path that a snapshot has."""
    return {file["path"]: file["digests"] for part in ("allow", "require")
            for file in snapshot["ima"][part]}


def change_library(vm, library):
    """Adds a line to a library of the programs, and runs one of them."""
    vm.do("cp %s /opt/new && echo '# more' >>/opt/new && mv /opt/new %s" % (library, library))
    vm.do("ratls-certtool issue --out /run/again.pem --key /run/again-key.pem --name 127.0.0.1")


def sha256_with_line(file):
    """Of the file with one line more."""
    return hashlib.sha256(file.read_bytes() + b"# more\n").hexdigest()


def main(description, test, tools=(), needs_initramfs=True):
    """Runs `test` on a Suite. Exit status 77: something that it needs is not to be had."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("build", help="folder of the build")
    parser.add_argument("--cache", help="keeps the kernel's package (default: XDG_CACHE_HOME/ratls/kernels)")
    parser.add_argument("--kernel-deb", help="the kernel's package, instead of the mirror's")
    arguments = parser.parse_args()
    try:
        missing = missing_tools(tools)
        if missing:
            raise image.Missing("no %s (scripts/setup --vm)" % missing)
        programs = Programs(arguments.build)
        with Workspace() as folder:
            suite = Suite(programs, folder, image.cache_folder(arguments.cache), arguments.kernel_deb)
            if needs_initramfs:
                suite.image = image.make(programs.build, suite.folder / "image", suite.cache,
                                         arguments.kernel_deb)
            test(suite)
            print("%d checks" % check.passed)
    except image.Missing as missing:
        print("SKIPPED: %s" % missing)
        return image.SKIPPED
    except Failure as failure:
        print("FAILED: %s" % failure)
        return 1
    return 0
