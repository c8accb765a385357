"""A disk that a VM boots from: one unified kernel image (UKI) on an EFI system partition, signed.

Needs neither root nor loop devices.
"""
import hashlib
import pathlib
import struct

from image import Missing
from vm import run

TOOLS = ("objcopy", "sbsign", "sfdisk", "mformat", "mmd", "mcopy")
STUB = pathlib.Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
SNAKEOIL = pathlib.Path("/usr/share/ovmf/PkKek-1-snakeoil.key")  # in db of SECURE_BOOT's variables
SECTOR = 512
FIRST_SECTOR = 2048
ESP_BYTES = 96 << 20
ROOT_BYTES = 640 << 20
ROOT_UUID = "52415453-0000-4000-8000-000000000003"
# Where systemd's stub is not. Source: systemd, man ukify and systemd-stub.
ADDRESSES = {".osrel": 0x20000, ".cmdline": 0x30000, ".linux": 0x2000000, ".initrd": 0x4000000}


def require_files():
    for file, package in ((STUB, "systemd-boot-efi"), (SNAKEOIL, "ovmf")):
        if not file.exists():
            raise Missing("no %s of the package %s (scripts/setup --vm)" % (file, package))


def snakeoil_key(folder):
    """The test key of Debian's ovmf, without its password, which everybody knows; and certificate."""
    key = folder / "snakeoil.key"
    run(["openssl", "pkey", "-in", SNAKEOIL, "-passin", "pass:snakeoil", "-out", key], 0)
    return key, SNAKEOIL.with_suffix(".pem")


def make_uki(folder, name, kernel, initrd, command_line, key, certificate):
    """Unsigned, and signed. `initrd` may be None."""
    os_release = folder / "os-release"
    os_release.write_text('ID=ratls-test\nPRETTY_NAME="ratls test VM"\n')
    line = folder / (name + ".cmdline")
    line.write_text(command_line)
    argv = ["objcopy"]
    for section, file in ((".osrel", os_release), (".cmdline", line), (".linux", kernel),
                          *([(".initrd", initrd)] if initrd else [])):
        argv += ["--add-section", "%s=%s" % (section, file),
                 "--change-section-vma", "%s=%#x" % (section, ADDRESSES[section])]
    unsigned, signed = folder / (name + ".unsigned.efi"), folder / (name + ".efi")
    run([*argv, STUB, unsigned], 0)
    run(["sbsign", "--key", key, "--cert", certificate, "--output", signed, unsigned], 0)
    return unsigned, signed


def make_disk(disk, uki, root=None):
    """A GPT with an EFI system partition that has the UKI where firmware looks first, and if there is
    a folder `root` a second partition with its files."""
    sizes = [ESP_BYTES] + ([ROOT_BYTES] if root else [])
    with open(disk, "wb") as file:
        file.truncate(FIRST_SECTOR * SECTOR + sum(sizes) + (1 << 20))  # the second GPT is at the end
    table = "label: gpt\nlabel-id: 52415453-0000-4000-8000-000000000001\n"
    start = FIRST_SECTOR
    for size, kind in zip(sizes, ("U", "L")):
        table += "start=%d, size=%d, type=%s\n" % (start, size // SECTOR, kind)
        start += size // SECTOR
    run(["sfdisk", "--quiet", disk], 0, input_bytes=table.encode())
    esp = "%s@@%d" % (disk, FIRST_SECTOR * SECTOR)
    run(["mformat", "-i", esp, "-F", "-T", ESP_BYTES // SECTOR, "-h", 16, "-s", 63, "-H", FIRST_SECTOR,
         "-N", "52415453", "::"], 0)
    run(["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT"], 0)
    run(["mcopy", "-i", esp, uki, "::/EFI/BOOT/BOOTX64.EFI"], 0)
    if root:
        run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, "-U", ROOT_UUID, "-m", "0",
             "-E", "offset=%d,nodiscard" % (FIRST_SECTOR * SECTOR + ESP_BYTES), disk,
             "%dk" % (ROOT_BYTES >> 10)], 0)
    return disk


def authenticode(image):
    """The SHA-256 that the firmware measures into PCR 4. Source: Microsoft, Windows Authenticode
    Portable Executable Signature Format, "Calculating the PE Image Hash"."""
    content = image.read_bytes()
    optional = struct.unpack_from("<I", content, 0x3c)[0] + 24  # behind signature and file header
    checksum, directory = optional + 64, optional + 112 + 4 * 8  # of PE32+: the certificate table
    table, size = struct.unpack_from("<II", content, directory)
    end = table if size else len(content)
    return hashlib.sha256(content[:checksum] + content[checksum + 4:directory] +
                          content[directory + 8:end]).hexdigest()
