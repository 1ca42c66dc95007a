"""Try system calls below the current directory and compare their errors with a table.

Each line on standard input is `ERRNO OPERATION ARGUMENT...`, where ERRNO may be ok; what follows a # is
a comment, and `%xx` in an argument stands for a byte. Ends with exit status 1 if any line is wrong.
"""
import ctypes
import errno
import mmap
import os
import re
import stat
import sys

RENAME_NOREPLACE, RENAME_EXCHANGE, AT_FDCWD = 1, 2, -100
libc = ctypes.CDLL(None, use_errno=True)


def opened(path, flags, action=lambda handle: None):
    """Open, act and close; the first error counts, that of close too."""
    handle = os.open(path, flags, 0o644)
    try:
        action(handle)
    except BaseException:
        try:
            os.close(handle)
        except OSError:
            pass
        raise
    os.close(handle)


def rename_with(flags):
    def rename(source, target):
        if libc.renameat2(AT_FDCWD, source, AT_FDCWD, target, flags) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")
    return rename


def write(path, text, flags=os.O_WRONLY):
    opened(path, flags, lambda handle: os.write(handle, text + b"\n"))


def write_at(path, offset, text):
    opened(path, os.O_WRONLY, lambda handle: os.pwrite(handle, text + b"\n", int(offset)))


def write_twice(distance):
    """The same line at the beginning and `distance` bytes from its end."""
    def write_both(path, text):
        def both(handle):
            end = os.write(handle, text + b"\n")
            os.pwrite(handle, text + b"\n", max(0, end + distance))
        opened(path, os.O_WRONLY, both)
    return write_both


def map_with(flags):
    def map_file(path):
        opened(path, os.O_RDWR, lambda handle: mmap.mmap(handle, 1, flags, mmap.PROT_READ).close())
    return map_file


def copy_range(source, target):
    def copy(handle):
        opened(target, os.O_WRONLY, lambda out: os.copy_file_range(handle, out, 4096))
    opened(source, os.O_RDONLY, copy)


OPERATIONS = {
    "stat": os.lstat,
    "list": os.listdir,
    "read": lambda path: opened(path, os.O_RDONLY, lambda handle: os.read(handle, 4096)),
    "open-write": lambda path: opened(path, os.O_WRONLY),
    "open-both": lambda path: opened(path, os.O_RDWR),
    "open-truncate": lambda path: opened(path, os.O_WRONLY | os.O_TRUNC),
    "create": lambda path: opened(path, os.O_WRONLY | os.O_CREAT),
    "create-new": lambda path: opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "write": write,
    "write-new": lambda path, text: write(path, text, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "append": lambda path, text: write(path, text, os.O_WRONLY | os.O_APPEND),
    "write-at": write_at,
    "write-on": write_twice(0),
    "write-hole": write_twice(4096),
    "write-back": write_twice(-1),
    "fsync": lambda path: opened(path, os.O_RDONLY, os.fsync),
    "truncate": lambda path, size: os.truncate(path, int(size)),
    "allocate": lambda path: opened(path, os.O_WRONLY, lambda out: os.posix_fallocate(out, 0, 10)),
    "map-private": map_with(mmap.MAP_PRIVATE),
    "map-shared": map_with(mmap.MAP_SHARED),
    "copy-range": copy_range,
    "chmod": lambda path: os.chmod(path, 0o600),
    "chown": lambda path: os.chown(path, 1, 1),
    "touch": lambda path: os.utime(path, ns=(1, 1500000000123456789)),
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "rename": os.rename,
    "rename-new": rename_with(RENAME_NOREPLACE),
    "exchange": rename_with(RENAME_EXCHANGE),
    "link": os.link,
    "symlink": os.symlink,
    "mkfifo": os.mkfifo,
    "mknod": lambda path: os.mknod(path, stat.S_IFREG | 0o644),
    "statfs": os.statvfs,
    "getxattr": os.getxattr,
    "listxattr": os.listxattr,
    "setxattr": os.setxattr,
    "createxattr": lambda path, name, value: os.setxattr(path, name, value, os.XATTR_CREATE),
    "replacexattr": lambda path, name, value: os.setxattr(path, name, value, os.XATTR_REPLACE),
    "removexattr": os.removexattr,
}


def argument(text):
    return re.sub(rb"%([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode())


def outcome(operation, arguments):
    try:
        OPERATIONS[operation](*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "ok"


def main():
    wrong = count = 0
    for line in sys.stdin:
        wanted, *words = line.partition("#")[0].split(maxsplit=1) or [""]
        if not words:
            continue
        operation, *arguments = words[0].split()
        count += 1
        got = outcome(operation, [argument(one) for one in arguments])
        if got not in wanted.split("|"):
            wrong += 1
            print(f"{line.strip()}: {got}")
    print(f"{count} operations, {wrong} not as wanted")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
