#!/usr/bin/env python3
"""Makes kernel and initramfs of the test VM: Debian's kernel, busybox, our programs. Needs no root.

image.py BUILD-FOLDER OUT-FOLDER [--cache FOLDER] [--kernel-deb FILE]

OUT-FOLDER gets vmlinuz, initrd.gz, and root, the initramfs as a folder. The kernel's package comes from
the configured Debian mirror and is kept by its SHA-256. The result depends on its inputs only. Exit
status 77: something that it needs is not to be had.
"""
import argparse
import gzip
import hashlib
import io
import lzma
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import typing

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
# 6.12 is Debian's first kernel with configfs-tsm; the cloud flavour has TPM, virtio and IMA built in.
KERNEL = re.compile(r"^(linux-image-6\.12\.[^ ]*-cloud-amd64-unsigned)\b", re.M)
MODULES = ["virtio_net"]
APPLETS = ["base64", "cat", "cp", "insmod", "ip", "mount", "mv", "poweroff", "sh", "sleep"]
MEASUREMENT = hashlib.sha384(b"the test VM: firmware, kernel, initrd, command line").hexdigest()
LIBRARIES = "usr/lib/x86_64-linux-gnu/"
FILES_OWNER = 990  # of the files that guest/ima-policy measures when they are read


class Missing(Exception):
    """What is needed and cannot be had here."""


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, timeout=300, check=True).stdout


def need(program):
    path = shutil.which(program)
    if path is None:
        raise Missing("no %s (scripts/setup --vm)" % program)
    return path


def try_mirror(what, argv, folder=None):
    """Runs a program that downloads; if that fails, it is the mirror's fault and not the test's."""
    try:
        subprocess.run(argv, cwd=folder, timeout=900, check=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    except subprocess.SubprocessError as error:
        text = (error.output or b"").decode(errors="replace")
        raise Missing("the mirror does not give %s: %s\n%s" % (what, error, text)) from None


def cache_folder(given):
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(given or os.path.join(home, "ratls", "kernels"))


def kernel_package(cache):
    """The newest package of the mirror, from the cache if it is there."""
    need("apt-get")
    names = KERNEL.findall(output("apt-cache", "search", "--names-only", "linux-image-6.12").decode())
    if not names:
        raise Missing("the Debian mirror has no kernel 6.12 of the cloud flavour (apt-get update)")
    name = max(names, key=lambda n: [int(part) for part in re.findall(r"[0-9]+", n)])
    shown = output("apt-cache", "show", "--no-all-versions", name).decode()
    wanted = re.search(r"^SHA256: ([0-9a-f]{64})$", shown, re.M).group(1)
    kept = cache / (wanted + ".deb")
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            try_mirror(name, ["apt-get", "-q", "download", name], folder)
            found = list(pathlib.Path(folder).glob("*.deb"))
            if hashlib.sha256(found[0].read_bytes()).hexdigest() != wanted:
                raise Missing("%s is not the file that the package lists name" % found[0].name)
            found[0].rename(kept)
    return kept


def unpack_kernel(package):
    """The kernel, and its modules by name."""
    tar = tarfile.open(fileobj=io.BytesIO(output(need("dpkg-deb"), "--fsys-tarfile", str(package))))
    kernel, modules = None, {}
    for member in tar:
        name = os.path.basename(member.name)
        if "/boot/vmlinuz-" in member.name:
            kernel = tar.extractfile(member).read()
        elif member.isfile() and re.search(r"\.ko(\.xz)?$", name):
            modules[module_name(name.split(".ko")[0])] = member

    def module(name):
        content = tar.extractfile(modules[name]).read()
        return lzma.decompress(content) if modules[name].name.endswith(".xz") else content

    return kernel, module


def module_name(name):
    return name.strip().replace("-", "_")


def with_dependencies(module, names):
    """Modules in the order in which they can be loaded. They are stored uncompressed: only then does
    the kernel read the file itself, and measure it."""
    ordered = {}

    def add(name):
        if name in ordered:
            return
        content = module(name)
        depends = re.search(rb"\0depends=([^\0]*)\0", content)
        for other in filter(None, depends.group(1).decode().split(",") if depends else []):
            add(module_name(other))
        ordered[name] = content

    for name in names:
        add(name)
    return ordered


def libraries(program):
    """Name and file of each shared library, and the loader."""
    for line in output("ldd", str(program)).decode().splitlines():
        found = re.match(r"\s*(\S+) => (/\S+) \(", line) or re.match(r"\s*((/\S+)) \(", line)
        if found:
            yield os.path.basename(found.group(1)), pathlib.Path(found.group(2))


class Tree:
    """The files of the initramfs."""

    def __init__(self):
        self.entries = {}

    def add(self, path, content, mode=0o644, kind=stat.S_IFREG, owner=0, device=(0, 0)):
        folder = os.path.dirname(path)
        if folder and folder not in self.entries:
            self.add(folder, b"", 0o755, stat.S_IFDIR)
        self.entries[path] = (content, mode | kind, owner, device)

    def link(self, path, target):
        self.add(path, target.encode(), 0o777, stat.S_IFLNK)

    def cpio(self):
        """The "newc" form. Source: Linux, Documentation/driver-api/early-userspace/buffer-format."""
        out = bytearray()

        def put(number, name, content, mode, owner, device):
            fields = [number, mode, owner, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
            out.extend(b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0")
            out.extend(b"\0" * (-len(out) % 4))
            out.extend(content)
            out.extend(b"\0" * (-len(out) % 4))

        for number, path in enumerate(sorted(self.entries), 1):
            put(number, path.encode(), *self.entries[path])
        put(0, b"TRAILER!!!", b"", 0, 0, (0, 0))
        return bytes(out)

    def unpack(self, folder):
        """The files and links in a folder: neither devices nor owners, which need root."""
        for path, (content, mode, _, _) in sorted(self.entries.items()):
            target = folder / path
            if stat.S_ISDIR(mode):
                target.mkdir(parents=True)
            elif stat.S_ISLNK(mode):
                target.symlink_to(content.decode())
            elif stat.S_ISREG(mode):
                target.write_bytes(content)


def stripped(program, folder):
    out = pathlib.Path(folder) / "stripped"
    output(need("strip"), "-o", str(out), str(program))
    return out.read_bytes()


def our_files(build, module):
    """Content and mode by path: what every test VM has, beside programs."""
    files = {"etc/ima/ima-policy": ((HERE / "guest/ima-policy").read_bytes(), 0o644),
             "etc/ratls/agent.toml": ((HERE / "guest/agent.toml").read_bytes(), 0o644),
             "etc/ratls/environment": (("RATLS_PRETENDED_TEE=/etc/ratls/pretended-tee\n"
                                        "RATLS_PRETENDED_MEASUREMENT=%s\n" % MEASUREMENT).encode(), 0o644)}
    for name in ("control", "network"):
        files["usr/bin/" + name] = ((HERE / "guest" / name).read_bytes(), 0o755)
    for file in sorted((build / "test/pki/snp").iterdir()):
        if file.is_file():
            files["etc/ratls/pretended-tee/" + file.name] = (file.read_bytes(), 0o644)
    ordered = with_dependencies(module, MODULES)
    for name, content in ordered.items():
        files["usr/lib/modules/%s.ko" % name] = (content, 0o644)
    files["etc/modules"] = ("".join("/usr/lib/modules/%s.ko\n" % name for name in ordered).encode(), 0o644)
    return files


def make_tree(build, module):
    tree = Tree()
    for name in ("dev", "proc", "sys", "run", "tmp", "opt"):
        tree.add(name, b"", 0o755, stat.S_IFDIR)
    for name, target in (("bin", "usr/bin"), ("sbin", "usr/bin"), ("usr/sbin", "bin"),
                         ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        tree.link(name, target)
    tree.add("dev/console", b"", 0o600, stat.S_IFCHR, device=(5, 1))
    tree.add("init", (HERE / "guest/init").read_bytes(), 0o755)
    tree.add("usr/bin/service", (HERE / "guest/service").read_bytes(), 0o755)
    tree.add("srv/settings", b"mode = safe\n", owner=FILES_OWNER)
    tree.add("srv/journal", b"started\n", owner=FILES_OWNER)

    busybox = pathlib.Path(need("busybox")).read_bytes()
    if b"/ld-linux" in busybox:  # it names a loader
        raise Missing("busybox is not static (scripts/setup --vm)")
    tree.add("usr/bin/busybox", busybox, 0o755)
    for applet in APPLETS:
        tree.link("usr/bin/" + applet, "busybox")

    with tempfile.TemporaryDirectory() as folder:
        for name, built in (("ratls-agent", "ratls-agent-pretended"),
                            ("ratls-certtool", "ratls-certtool-pretended"), ("odd_quote", "odd_quote")):
            program = build / "test/demo" / built
            tree.add("usr/bin/" + name, stripped(program, folder), 0o755)
            for library, file in libraries(program):
                loader = library.startswith("ld-linux")
                tree.add(("usr/lib64/" if loader else LIBRARIES) + library, file.read_bytes(), 0o755)
    tcti = pathlib.Path("/") / LIBRARIES / "libtss2-tcti-device.so.0"  # loaded by its name
    tree.add(LIBRARIES + tcti.name, tcti.read_bytes(), 0o755)

    for path, (content, mode) in our_files(build, module).items():
        tree.add(path, content, mode)
    return tree


class Image(typing.NamedTuple):
    kernel: pathlib.Path
    initrd: pathlib.Path
    root: pathlib.Path  # the initramfs as a folder


def make(build, out, cache, kernel_deb=None):
    """Makes OUT/vmlinuz, OUT/initrd.gz and OUT/root, which must not be there."""
    package = kernel_deb or kernel_package(cache)
    kernel, module = unpack_kernel(package)
    tree = make_tree(pathlib.Path(build).resolve(), module)
    out = pathlib.Path(out)
    made = Image(out / "vmlinuz", out / "initrd.gz", out / "root")
    made.root.mkdir(parents=True)
    made.kernel.write_bytes(kernel)
    made.initrd.write_bytes(gzip.compress(tree.cpio(), 6, mtime=0))
    tree.unpack(made.root)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="folder of the build")
    parser.add_argument("out", help="folder of the image")
    parser.add_argument("--cache", help="keeps the kernel's package (default: XDG_CACHE_HOME/ratls/kernels)")
    parser.add_argument("--kernel-deb", help="the kernel's package, instead of the mirror's")
    arguments = parser.parse_args()
    for file in make(arguments.build, arguments.out, cache_folder(arguments.cache), arguments.kernel_deb):
        print(file)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Missing as missing:
        print("SKIPPED: %s" % missing)
        sys.exit(SKIPPED)
