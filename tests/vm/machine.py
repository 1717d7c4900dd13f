# SPDX-License-Identifier: MIT
"""One guest under QEMU, and the conversation with the agent in it (see the file `agent`).

The guest dies with this process, however this process ends. It talks through socket pairs, so
that its death is the end of a file here, and no socket or port is left anywhere.
"""

import base64
import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import image

PORTS = ("control", "output", "error")
MONITOR = "monitor"
END = b"\x04end\x04\n"
HELLO_SECONDS = {"kvm": 30, "tcg": 600}
READY_SECONDS = 600
GRACE_SECONDS = 60  # the agent ends a command at its limit; a guest that has not by then is dead
KVM = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class GuestError(Exception):
    """The guest died, hangs, or never came up."""


class Stream:
    """One output port: passes data on up to END."""

    def __init__(self):
        self.held, self.ended, self.sink = b"", True, lambda data: None

    def begin(self, sink):
        self.held, self.ended, self.sink = b"", False, sink

    def feed(self, data):
        data = self.held + data
        text, mark, rest = data.partition(END)
        if mark:
            self.ended = True
            keep = 0
        else:  # the end of the data may be the start of the mark
            keep = max(n for n in range(len(END)) if data.endswith(END[:n]))
        self.held = text[len(text) - keep:]
        if len(text) > keep:
            self.sink(text[:len(text) - keep])


class Guest:
    """A booted guest. `console`: the file for its console, or None: the terminal, with a shell."""

    def __init__(self, payload, console, *, memory="1G", data=None, iops=3000):
        image.require("qemu-system-x86_64", "setpriv")
        self.base = image.base_image()
        self.payload, self.console, self.memory = payload, console, memory
        self.data, self.iops = data, iops
        self.tick = lambda: None  # called about once a second while we wait
        self.process = None

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.kill()

    def boot(self):
        """Starts the guest, with KVM where a guest really comes up with it."""
        started = time.monotonic()
        accel, certain = accelerator()
        tries = [accel] if certain else [accel, "tcg"]
        if tries[-1] == "tcg":  # an emulated kernel now and then dies of changing its own code
            tries.append("tcg")
        while not self.says_hello(accel := tries.pop(0), tries):
            pass
        if not certain:
            remember(accel)
        self.expect("ready", READY_SECONDS)
        self.boot_seconds = time.monotonic() - started

    def says_hello(self, accel, tries):
        """Whether it comes up; where no more tries are left, that it does not is an error."""
        self.spawn(accel)
        try:
            self.expect("hello", HELLO_SECONDS[accel])
        except GuestError as error:
            if not tries:
                raise
            image.say("no guest boots with KVM here: emulating" if accel == "kvm"
                      else f"{error} while it booted: once more")
            self.kill()
            return False
        return True

    def spawn(self, accel):
        self.accel = accel
        self.lines, self.pending = [], b""
        self.streams = {"output": Stream(), "error": Stream()}
        self.selector = selectors.DefaultSelector()
        self.ports, theirs = {}, {}
        for name in (*PORTS, MONITOR):
            self.ports[name], theirs[name] = socket.socketpair()
            self.selector.register(self.ports[name], selectors.EVENT_READ, name)
        try:
            self.process = subprocess.Popen(
                self.command(accel, {name: end.fileno() for name, end in theirs.items()}),
                pass_fds=[end.fileno() for end in theirs.values()],
                stdin=subprocess.DEVNULL if self.console else None)
        finally:
            for end in theirs.values():
                end.close()
        self.tell_machine("qmp_capabilities")

    def command(self, accel, ports):
        # setpriv: killed with us even where no handler of ours can run.
        words = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults",
                 "-no-reboot", "-display", "none", "-smp", "2", "-m", self.memory,
                 "-accel", "tcg,thread=multi" if accel == "tcg" else accel,
                 "-cpu", "max" if accel == "tcg" else "host",
                 "-kernel", f"{self.base}/kernel", "-initrd", f"{self.base}/initrd",
                 "-append", " ".join(self.kernel_arguments()),
                 "-device", "virtio-serial-pci"]
        words += disk("root", self.base / "disk") + disk("payload", self.payload)
        if self.data:
            words += disk("data", self.data, f"throttling.iops-total={self.iops}")
        for name, number in ports.items():
            words += ["-chardev", f"socket,id={name},fd={number}"]
        for name in PORTS:
            words += ["-device", f"virtserialport,chardev={name},name={name}"]
        words += ["-mon", f"chardev={MONITOR},mode=control"]
        if self.console:
            return words + ["-chardev", f"file,id=console,path={escape(self.console)}",
                            "-serial", "chardev:console"]
        return words + ["-serial", "mon:stdio"]

    def kernel_arguments(self):
        # no_timer_check: on a busy machine, what an emulated timer does looks like broken hardware.
        words = ["root=/dev/vda", "rw", "console=ttyS0", "psi=1", "panic=-1", "quiet", "loglevel=4",
                 "no_timer_check",
                 "systemd.show_status=error", "systemd.journald.forward_to_console=0"]
        if not self.console:
            columns, rows = shutil.get_terminal_size()
            words += ["pagewarden.shell", f"systemd.tty.rows.ttyS0={rows}",
                      f"systemd.tty.columns.ttyS0={columns}",
                      f"systemd.tty.term.ttyS0={os.environ.get('TERM', 'vt220')}"]
        return words

    def kill(self):
        """Ends the guest, if there is one. May be called at any time, and again."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.selector.close()
            for port in self.ports.values():
                port.close()

    def run(self, verb, argument, limit, output, error=lambda data: None):
        """Runs a case, or a command; hands on what it prints. Returns its exit status.

        A case that asks for it goes on after a reboot, each time with all of its limit."""
        boot = 1
        while (status := self.run_once(verb, f"{argument} {boot}", limit, output, error)) == "reboot":
            self.reboot()
            boot += 1
        return int(status)

    def run_once(self, verb, argument, limit, output, error):
        self.streams["output"].begin(output)
        self.streams["error"].begin(error)
        self.send("control", f"{verb} {limit} {argument}\n")
        end = time.monotonic() + limit + GRACE_SECONDS
        status = self.expect("exit", end - time.monotonic())
        while not all(stream.ended for stream in self.streams.values()):
            self.listen(end)
        return status

    def reboot(self):
        """Its disks stay as it leaves them. Unasked, a reset is the end of QEMU: also a panic's."""
        self.tell_machine("set-action", reboot="reset")
        self.send("control", "reboot\n")
        self.expect("hello", HELLO_SECONDS[self.accel])
        self.tell_machine("set-action", reboot="shutdown")
        self.expect("ready", READY_SECONDS)

    def tell_machine(self, command, **arguments):
        """A command to QEMU. It does not answer here; one that fails is noticed by what follows."""
        self.send(MONITOR, json.dumps({"execute": command, "arguments": arguments}) + "\n")

    def send(self, port, text):
        try:
            self.ports[port].sendall(text.encode())
        except OSError:
            raise GuestError(f"the guest died ({self.fate()})") from None

    def command_line(self, command, limit, output, error):
        encoded = base64.b64encode(command.encode()).decode()
        return self.run("command", encoded, limit, output, error)

    def expect(self, word, seconds):
        """Waits for the control line that starts with `word`; returns the rest of it."""
        end = time.monotonic() + seconds
        while not self.lines:
            self.listen(end)
        line = self.lines.pop(0)
        got, _, rest = line.partition(" ")
        if got != word:
            raise GuestError(f"the guest said: {line}")
        return rest

    def listen(self, end):
        """Takes what the guest sends, for about a second; GuestError after the time `end`."""
        if time.monotonic() > end:
            raise GuestError("the guest hangs")
        for key, _ in self.selector.select(1):
            try:
                data = key.fileobj.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise GuestError(f"the guest died ({self.fate()})")
            if key.data in self.streams:
                self.streams[key.data].feed(data)
            elif key.data == "control":
                *lines, self.pending = (self.pending + data).split(b"\n")
                self.lines += [line.decode() for line in lines]
        self.tick()

    def fate(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self.process.wait(5)
            return "QEMU ended" if status == 0 else f"QEMU failed with status {status}"
        return "QEMU closed its ports"


def disk(name, path, *options):
    # Writes go to a file that has no name and ends with QEMU: no run sees another's.
    drive = ["if=none", f"id={name}", f"file={escape(path)}", "format=raw", "snapshot=on",
             "cache=unsafe", *options]
    return ["-drive", ",".join(drive), "-device", f"virtio-blk-pci,drive={name},serial={name}"]


def escape(path):
    """A comma in an option of QEMU is written twice."""
    return str(path).replace(",", ",,")


def accelerator():
    """What to try first, and whether that is certain."""
    wanted = os.environ.get("PAGEWARDEN_ACCEL")
    if wanted:
        if wanted not in HELLO_SECONDS:
            sys.exit(f"guest: PAGEWARDEN_ACCEL={wanted}: it is kvm or tcg")
        return wanted, True
    if not os.access(KVM, os.R_OK | os.W_OK):
        return "tcg", True
    with contextlib.suppress(OSError, ValueError):
        boot, verdict = verdict_file().read_text().split()
        if boot == BOOT_ID.read_text().strip() and verdict in HELLO_SECONDS:
            return verdict, True
    return "kvm", False


def remember(accel):
    """Keeps the verdict until this machine boots anew."""
    with contextlib.suppress(OSError):
        verdict_file().write_text(f"{BOOT_ID.read_text().strip()} {accel}\n")


def verdict_file():
    return image.cache_folder() / "accelerator"


def end_on_signals():
    """Turns signals that would end this process into exceptions, so that it cleans up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
