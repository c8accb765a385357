"""One QEMU VM under emulation, with firmware, TPM and network of its own.

Everything runs on loopback and in the given folder, is started here and stopped here, by its
process id. What QEMU 7.2 and the kernel demand of the options, README.md explains.
"""
import base64
import pathlib
import shutil
import socket
import subprocess
import time
import typing

from vm import Children, Failure, free_ports, run, wait_until

BOOT_DEADLINE_S = 600  # 25 s on an idle machine
OVMF = pathlib.Path("/usr/share/OVMF")
COMMAND_LINE = ("console=ttyS0 rootfstype=ramfs ima_policy=tcb no_timer_check panic=-1 quiet "
                "loglevel=4")


class Firmware(typing.NamedTuple):
    code: pathlib.Path
    variables: pathlib.Path  # copied for each boot
    machine: tuple


SMM = ("-machine", "q35,accel=tcg,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on")
PLAIN = Firmware(OVMF / "OVMF_CODE_4M.fd", OVMF / "OVMF_VARS_4M.fd", ("-machine", "q35,accel=tcg"))
# The same code twice: with the keys of Debian's "snakeoil" in its variables, and without any.
SECURE_BOOT = Firmware(OVMF / "OVMF_CODE_4M.secboot.fd", OVMF / "OVMF_VARS_4M.snakeoil.fd", SMM)
NO_SECURE_BOOT = Firmware(OVMF / "OVMF_CODE_4M.secboot.fd", OVMF / "OVMF_VARS_4M.fd", SMM)


def missing_tools(more=()):
    """What is not installed, as a text; empty if nothing is missing."""
    names = [n for n in ("qemu-system-x86_64", "swtpm", "swtpm_setup", *more) if shutil.which(n) is None]
    files = [f for firmware in (PLAIN, SECURE_BOOT) for f in firmware[:2] if not f.exists()]
    return ", ".join(names + [str(f) for f in files])


def by_kernel(kernel, initrd, command_line=COMMAND_LINE):
    """QEMU hands the kernel to the firmware."""
    return ["-kernel", kernel, "-initrd", initrd, "-append", command_line]


def by_disk(disk):
    """The firmware finds \\EFI\\BOOT\\BOOTX64.EFI. What the VM writes is gone after the boot."""
    return ["-drive", "if=none,id=disk,format=raw,snapshot=on,file=%s" % disk,
            "-device", "nvme,drive=disk,serial=disk,bootindex=1"]


def new_tpm(folder, bank="sha256"):
    """The state of a TPM that never ran, with one bank."""
    folder.mkdir()
    run(["swtpm_setup", "--tpm2", "--tpmstate", folder, "--pcr-banks", bank, "--overwrite"], 0)
    return folder


class GuestVm:
    """A boot. It ends with `power_off` or `stop`, or at the latest with this process."""

    def __init__(self, folder, name, tpm, boot, firmware=PLAIN):
        self.name = name
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.children = Children()
        self.start_tpm(tpm)
        variables = self.folder / "variables.fd"
        shutil.copyfile(firmware.variables, variables)
        self.port = free_ports(1)
        self.target = "127.0.0.1:%d" % self.port
        self.console = self.folder / "console.log"
        control = self.folder / "control"
        self.begin = time.monotonic()
        self.qemu = self.children.start([
            "qemu-system-x86_64", *firmware.machine, "-cpu", "max,-cx16", "-smp", "1",
            "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
            "-serial", "file:%s" % self.console,
            "-drive", "if=pflash,format=raw,readonly=on,file=%s" % firmware.code,
            "-drive", "if=pflash,format=raw,file=%s" % variables,
            "-chardev", "socket,id=tpm,path=%s" % (self.folder / "tpm.sock"),
            "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0",
            "-device", "virtio-serial-pci",
            "-chardev", "socket,id=control,path=%s,server=on,wait=off" % control,
            "-device", "virtserialport,chardev=control,name=control",
            "-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:%d-:5555" % self.port,
            "-device", "virtio-net-pci,netdev=net,romfile=", *boot],
            self.folder / "qemu.log")
        self.channel = wait_until("QEMU", lambda: self.connect(control))
        self.received = b""

    def wait(self):
        """Until the VM answers."""
        self.line(BOOT_DEADLINE_S)
        print("    %s booted in %.0f s" % (self.name, time.monotonic() - self.begin), flush=True)

    def wait_for_console(self, text):
        """Until firmware or kernel printed this."""
        wait_until("%s on the console of %s" % (text, self.name),
                   lambda: self.console.exists() and text in self.console.read_bytes(), BOOT_DEADLINE_S)

    def start_tpm(self, state):
        sock = self.folder / "tpm.sock"
        self.swtpm = self.children.start(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=%s" % state, "--ctrl",
             "type=unixio,path=%s" % sock, "--flags", "startup-none"], self.folder / "swtpm.log")
        wait_until("swtpm", lambda: sock.exists() or self.swtpm.poll() is not None)

    def connect(self, path):
        channel = socket.socket(socket.AF_UNIX)
        try:
            channel.connect(str(path))
            return channel
        except OSError:
            channel.close()
            if self.qemu.poll() is not None:
                raise Failure(self.logs("QEMU ended"))
            return None

    def logs(self, what):
        texts = [what]
        for name in ("qemu.log", "console.log"):
            file = self.folder / name
            texts.append(file.read_text(errors="replace")[-4000:] if file.exists() else "")
        return "\n".join(texts)

    def line(self, deadline_s):
        """The next line of the control channel."""
        end = time.monotonic() + deadline_s
        while b"\n" not in self.received:
            self.channel.settimeout(max(0.1, end - time.monotonic()))
            try:
                data = self.channel.recv(65536)
            except TimeoutError:
                raise Failure(self.logs("timed out: the VM's answer")) from None
            if not data:
                raise Failure(self.logs("the VM ended"))
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line.decode()

    def shell(self, command):
        """Runs a command in the VM: its exit status and output."""
        self.channel.sendall(base64.b64encode(command.encode()) + b"\n")
        status, _, answer = self.line(120).partition(" ")
        return int(status), base64.b64decode(answer).decode(errors="replace")

    def do(self, command):
        status, text = self.shell(command)
        if status != 0:
            raise Failure("in the VM: %s: exit %d\n%s" % (command, status, text))
        return text

    def fetch(self, path, to):
        """Copies a file of the VM."""
        to.write_bytes(base64.b64decode(self.do("base64 -w 0 " + path)))
        return to

    def put(self, file, path):
        """Copies a small file into the VM."""
        self.do("echo %s | base64 -d >%s" % (base64.b64encode(file.read_bytes()).decode(), path))

    def power_off(self):
        """In order: after a hard stop the TPM calls its clock unsafe, and the VM is refused."""
        self.channel.sendall(base64.b64encode(b"poweroff -f") + b"\n")
        try:
            self.qemu.wait(120)
        except subprocess.TimeoutExpired:
            raise Failure(self.logs("the VM does not power off")) from None
        self.stop()

    def stop(self):
        self.channel.close()
        self.children.stop()
