# SPDX-License-Identifier: MIT
"""The guest's disks: the cached base image, the cached data image, the payload of one run.

An image is a folder of the cache, named by a hash of all that it is made from. It appears by one
rename when it is complete, and is never written again: machines use it through snapshots.
"""

import contextlib
import fcntl
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SUITE = os.environ.get("PAGEWARDEN_SUITE", "trixie")
UNUSED_DAYS = 14
MIB = 1 << 20
DATA_SPEC = "shop/data:256 backup/%02d:64*48"
NOT_NEEDED = ("doc", "man", "info", "locale", "lintian", "bug")

# Which Debian package has which program.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
}


def build_folder():
    return Path(os.environ.get("PAGEWARDEN_BUILD") or HERE.parent.parent / "build").absolute()


def say(text):
    print(f"guest: {text}", file=sys.stderr, flush=True)


def require(*programs):
    """Installs the packages of those programs that are missing, or says what to install."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    packages = [PROGRAMS[name] for name in programs if not shutil.which(name)]
    if not packages:
        return
    if os.geteuid() != 0:
        sys.exit(f"guest: missing packages: run, as root, apt-get install {' '.join(packages)}")
    say(f"installing {' '.join(packages)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-q", *command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        if done.returncode:
            sys.exit(done.stdout.decode(errors="replace")
                     + f"guest: cannot install {' '.join(packages)}: apt-get {command[0]} failed")


def cache_folder():
    default = "/var/cache" if os.geteuid() == 0 else Path.home() / ".cache"
    base = Path(os.environ.get("XDG_CACHE_HOME") or default) / "pagewarden"
    folder = Path(os.environ.get("PAGEWARDEN_CACHE") or base)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"guest: no cache folder: {error} (PAGEWARDEN_CACHE names another)")
    return folder


def cached(kind, key, build):
    """The cache's folder `kind-HASH(key)`, filled by build(folder) if there is none yet."""
    cache = cache_folder()
    target = cache / f"{kind}-{hashlib.sha256(key).hexdigest()[:16]}"
    if target.exists():
        with contextlib.suppress(OSError):  # another user's cache
            os.utime(target)
        return target
    with open(cache / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():  # somebody else built it while we waited
            return target
        prune(cache, kind)
        folder = Path(tempfile.mkdtemp(prefix=f"tmp-{kind}-", dir=cache))
        folder.chmod(0o755)
        try:
            started = time.monotonic()
            build(folder)
            folder.rename(target)
            say(f"built {target} in {time.monotonic() - started:.0f} s")
        except BaseException:
            remove(folder)
            raise
    return target


def prune(cache, kind):
    """Drops what a killed builder left, and images that nobody used for long. Holds the lock."""
    for old in [*cache.glob(f"tmp-{kind}-*"), *cache.glob(f"{kind}-????????????????")]:
        age = time.time() - old.stat().st_mtime
        if old.name.startswith("tmp-") or age > UNUSED_DAYS * 86400:
            remove(old)


def remove(folder):
    """Never what may be mounted in it."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=False)


def run(*command):
    """Runs a program quietly; shows all that it said if it fails. It ends when we end."""
    words = ["setpriv", "--pdeathsig", "KILL", *(str(word) for word in command)]
    process = subprocess.Popen(words, cwd=HERE, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = process.communicate()[0]
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode:
        sys.exit(said.decode(errors="replace") + f"guest: {command[0]} failed")


def make_ext4(image, root, mebibytes, *options):
    # All tables are written now: a kernel thread that does it later would disturb measurements.
    run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", *options,
        "-d", root, image, f"{mebibytes}M")


def base_image():
    """The folder with the guest's `disk`, `kernel` and `initrd`."""
    key = hashlib.sha256(repr(recipe("")).encode())
    for path in sorted(path for path in (HERE / "image").rglob("*") if path.is_file()):
        key.update(f"{path.relative_to(HERE)}\n{path.stat().st_mode & 0o111}\n".encode())
        key.update(path.read_bytes())
    return cached("guest", key.digest(), build_base)


def recipe(folder):
    """What makes the guest's root in `folder`: mmdebstrap finds mirror and keys by itself.

    It has a process namespace of its own, so that killed it leaves no process and no mount."""
    lines = (HERE / "packages").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    return ["unshare", "--mount-proc", "--pid", "--fork", "--kill-child",
            "mmdebstrap", "--quiet", "--mode=root", "--variant=essential",
            "--skip=cleanup/reproducible",
            f"--include={','.join(packages)}",
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in NOT_NEEDED),
            "--essential-hook=cp -r image/root/. \"$1\"",
            "--customize-hook=image/finish \"$1\"",
            SUITE, f"{folder}/root"]


def build_base(folder):
    if os.geteuid() != 0:
        sys.exit("guest: making the guest's image (once) needs root")
    require("mmdebstrap", "mke2fs", "setpriv")
    say(f"making an image of Debian {SUITE}, once")
    run(*recipe(folder))
    root = folder / "root"
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        (found,) = (root / "boot").glob(pattern)
        shutil.move(found, folder / name)
        (folder / name).chmod(0o644)
    make_ext4(folder / "disk", root, 2048, "-L", "root")
    shutil.rmtree(root)


def check_inputs(payload, data):
    """Ends with a message where what the user named is not there."""
    if payload and not Path(payload).is_dir():
        sys.exit(f"guest: --payload {payload}: not a folder")
    if data and not os.access(data, os.R_OK):
        sys.exit(f"guest: --data {data}: cannot be read (tests/vm/data-image makes one)")


def payload_disk(image, root):
    """Makes the disk of one run at `image`: the agent, the tests and the install tree `root`."""
    require("mke2fs", "setpriv")
    with tempfile.TemporaryDirectory(prefix="pagewarden-payload-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy2(HERE / "agent", folder)
        tests = folder / "tests"
        shutil.copytree(HERE, tests / "vm", ignore=shutil.ignore_patterns("image", "__pycache__"))
        if (HERE.parent / "experiment").is_dir():
            shutil.copytree(HERE.parent / "experiment", tests / "experiment")
        if root:
            shutil.copytree(root, folder / "root", symlinks=True)
        size = sum(path.lstat().st_size + 4096 for path in folder.rglob("*"))
        make_ext4(image, folder, size * 5 // 4 // MIB + 16)


def data_image(spec=DATA_SPEC):
    """The path of an ext4 image with the files of `spec`: words of PATH:MIB or PATH%d:MIB*COUNT."""
    return cached("data", spec.encode(), lambda folder: build_data(folder, spec)) / "disk"


def build_data(folder, spec):
    require("mke2fs", "setpriv")
    say(f"making the data image {spec!r}, once")
    # No block is zero (mke2fs leaves a hole for one that is), and no two blocks are alike.
    noise = random.Random(spec).randbytes(MIB)
    root = folder / "root"
    total = 0
    for word in spec.split():
        path, _, size = word.partition(":")
        size, _, count = size.partition("*")
        for index in range(int(count or 1)):
            target = root / (path % index if count else path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                for _ in range(int(size)):
                    offset = total * 977 % MIB
                    file.write(noise[offset:])
                    file.write(noise[:offset])
                    total += 1
    root.chmod(0o755)
    make_ext4(folder / "disk", root, total + total // 16 + 64, "-L", "data")
    shutil.rmtree(root)
