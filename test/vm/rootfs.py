"""The root file system of the VM with systemd: a minimal Debian, and our programs. Needs root."""
import hashlib
import os
import pathlib
import shutil
import tempfile

import image
from image import HERE, Missing, need, output

PACKAGES = ("iproute2", "kmod", "systemd", "systemd-sysv", "udev")
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
PROGRAMS = (("ratls-agent", "ratls-agent-pretended"), ("ratls-certtool", "ratls-certtool-pretended"))
UNITS = ("agent.service", "control.service")


def packages_of(programs):
    """Those of the programs' shared libraries, and of the one that is loaded by its name."""
    names = {library for program in programs for library, _ in image.libraries(program)}
    found = set(PACKAGES)
    for name in names | {"libtss2-tcti-device.so.0"}:
        if not name.startswith("ld-linux"):
            owner = output("dpkg-query", "--search", "*/x86_64-linux-gnu/" + name).decode()
            found.add(owner.split(":")[0])
    return sorted(found)


def base_tar(cache, packages):
    """A minimal Debian of this machine's release, kept by its release and packages."""
    release = output("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").decode().strip()
    mirror = output("bash", "-c", ". %s && debian_main_mirrors | head -n 1" %
                    (HERE.parent.parent / "scripts/common.sh")).decode().strip()
    name = hashlib.sha256(" ".join([release, *packages, *LEFT_OUT]).encode()).hexdigest()
    kept = cache / ("root-%s.tar" % name)
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = pathlib.Path(folder) / "root.tar"
            image.try_mirror("a minimal Debian", [
                need("mmdebstrap"), "--quiet", "--variant=minbase", "--include=" + ",".join(packages),
                *["--dpkgopt=path-exclude=" + path for path in LEFT_OUT], release, str(made), mirror])
            made.rename(kept)
    return kept


def make_root(build, root, kernel_deb, cache):
    """Makes the folder `root`, and gives the kernel."""
    if os.geteuid() != 0:
        raise Missing("a root file system is made as root only")
    package = kernel_deb or image.kernel_package(cache)
    kernel, module = image.unpack_kernel(package)
    programs = [build / "test/demo" / built for _, built in PROGRAMS]
    root.mkdir()
    output("tar", "-x", "--xattrs", "-C", str(root), "-f", str(base_tar(cache, packages_of(programs))))
    shutil.rmtree(root / "dev")
    (root / "dev").mkdir()
    (root / "etc/machine-id").write_text(hashlib.md5(b"the test VM").hexdigest() + "\n")

    def add(path, content, mode=0o644):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)

    for path, (content, mode) in image.our_files(build, module).items():
        add(path, content, mode)
    with tempfile.TemporaryDirectory() as folder:
        for (name, _), program in zip(PROGRAMS, programs):
            add("usr/bin/" + name, image.stripped(program, folder), 0o755)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in UNITS:
        add("etc/systemd/system/" + unit, (HERE / "guest/systemd" / unit).read_bytes())
        (wants / unit).symlink_to("../" + unit)
    return kernel
