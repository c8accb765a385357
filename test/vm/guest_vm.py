"""One QEMU VM under emulation, with firmware, TPM and network of its own.

Everything runs on loopback and in the given folder, is started here and stopped here, by its
process id. What QEMU 7.2 and the kernel demand of the options, README.md explains.
"""
import base64
import os
import pathlib
import shutil
import socket
import subprocess
import time

from vm import Children, Failure, free_ports, run, wait_until

BOOT_DEADLINE_S = 420  # 25 s on an idle machine
FIRMWARE = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
VARIABLES = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
COMMAND_LINE = ("console=ttyS0 rootfstype=ramfs ima_policy=tcb no_timer_check panic=-1 quiet "
                "loglevel=4")


def missing_tools():
    """What is not installed, as a text; empty if nothing is missing."""
    names = [n for n in ("qemu-system-x86_64", "swtpm", "swtpm_setup") if shutil.which(n) is None]
    return ", ".join(names + [str(f) for f in (FIRMWARE, VARIABLES) if not f.exists()])


def new_tpm(folder):
    """The state of a TPM that never ran, with a SHA-256 bank only."""
    folder.mkdir()
    run(["swtpm_setup", "--tpm2", "--tpmstate", folder, "--pcr-banks", "sha256", "--overwrite"], 0)
    return folder


class GuestVm:
    """A boot. It ends with `power_off`, or at the latest with this process."""

    def __init__(self, folder, name, tpm, kernel, initrd, command_line=COMMAND_LINE):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.children = Children()
        self.start_tpm(tpm)
        variables = self.folder / "variables.fd"
        shutil.copyfile(VARIABLES, variables)
        self.port = free_ports(1)
        self.target = "127.0.0.1:%d" % self.port
        self.console = self.folder / "console.log"
        control = self.folder / "control"
        begin = time.monotonic()
        self.qemu = self.children.start([
            "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max,-cx16", "-smp", "1",
            "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
            "-serial", "file:%s" % self.console,
            "-drive", "if=pflash,format=raw,readonly=on,file=%s" % FIRMWARE,
            "-drive", "if=pflash,format=raw,file=%s" % variables,
            "-chardev", "socket,id=tpm,path=%s" % (self.folder / "tpm.sock"),
            "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0",
            "-device", "virtio-serial-pci",
            "-chardev", "socket,id=control,path=%s,server=on,wait=off" % control,
            "-device", "virtserialport,chardev=control,name=control",
            "-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:%d-:5555" % self.port,
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-kernel", kernel, "-initrd", initrd, "-append", command_line],
            self.folder / "qemu.log")
        self.channel = wait_until("QEMU", lambda: self.connect(control))
        self.received = b""
        self.line(BOOT_DEADLINE_S)
        print("    %s booted in %.0f s" % (name, time.monotonic() - begin), flush=True)

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

    def power_off(self):
        """In order: after a hard stop the TPM calls its clock unsafe, and the VM is refused."""
        self.channel.sendall(base64.b64encode(b"poweroff -f") + b"\n")
        try:
            self.qemu.wait(120)
        except subprocess.TimeoutExpired:
            raise Failure(self.logs("the VM does not power off")) from None
        self.channel.close()
        self.children.stop()
