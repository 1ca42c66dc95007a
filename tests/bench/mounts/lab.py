"""Servers, mounts, and what a command costs with them.

A Lab owns a folder on disk and one in memory, and ends and removes all that it made. Every cost is
read from outside the programs: CPU and peak memory from /proc, requests and rows from otslocal's
own counters.
"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
WAIT_S = 120
# What a mount asks by the clock, whatever else is done: how a table's stream is followed.
BY_THE_CLOCK = {"ListStream", "DescribeStream", "GetShardIterator", "GetStreamRecord"}


class Failed(Exception):
    pass


def wait_until(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"waited {WAIT_S} s for {what}")
        time.sleep(0.01)


def process_cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def process_kb(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


class Server:
    """An otslocal of its own with a directory of its own."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.folder = os.path.join(lab.disk, name)
        os.makedirs(self.folder)
        self.socket = os.path.join(self.folder, "otslocal.sock")
        self.log = open(self.folder + ".log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [lab.program("otslocal"), self.folder, "--socket", self.socket, "--admin"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        wait_until(self.is_ready, f"otslocal {self.folder}")

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"otslocal ended, see {self.folder}.log")
        with open(self.folder + ".log", encoding="utf-8") as file:
            return "ready on" in file.read()

    def admin(self, path, body=None):
        """One admin call. HTTP/1.0, so the answer ends with the connection."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)
            method = "GET" if body is None else "POST"
            data = (body or "").encode()
            sock.sendall(f"{method} /otslocal/{path} HTTP/1.0\r\nHost: localhost\r\n"
                         f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        head, _, rest = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise Failed(f"admin call {path}: {answer[:200]!r}")
        return json.loads(rest) if rest.strip() else {}

    def actions(self):
        return self.admin("counters")["actions"]

    def delay(self, milliseconds):
        """Every request takes so much longer; 0: none does."""
        self.admin("faults", json.dumps({"rules": [{"delay_ms": milliseconds}] if milliseconds else []}))

    def bare(self, what, *arguments):
        """bench_scan_put WHAT with this server; what it measured."""
        out = subprocess.run([self.lab.program("tests/bench/bench_scan_put"), what, self.folder,
                              *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout)

    def remove(self):
        self.lab.servers.remove(self)
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)


class Mount:
    """otsfs in the foreground, so that it is our child. `state` names its state directory, which
    mounts after one another share."""

    def __init__(self, lab, servers, state, options=()):
        self.lab = lab
        lab.mount_count += 1
        self.path = os.path.join(lab.disk, f"mnt{lab.mount_count}")
        os.makedirs(self.path)
        self.log = open(self.path + ".log", "w", encoding="utf-8")
        source = ",".join("local:" + server.folder for server in servers)
        state = os.path.join(lab.disk, "states", state)
        os.makedirs(state, exist_ok=True)
        options = ["-o", "state_dir=" + state, *options]
        self.process = subprocess.Popen([lab.program("otsfs"), source, self.path, "-f", *options],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        lab.mounts.append(self)
        wait_until(self.is_mounted, f"mount of {source}, see {self.path}.log")

    def is_mounted(self):
        if self.process.poll() is not None:
            raise Failed(f"otsfs ended, see {self.path}.log")
        with open("/proc/self/mounts", encoding="utf-8") as file:
            return any(line.split()[1] == self.path for line in file)

    def at(self, *names):
        return os.path.join(self.path, *names)

    def know(self, *names):
        """Every size below is known from here on."""
        subprocess.run(["ls", "-lR", self.at(*names)], check=True, stdout=subprocess.DEVNULL)
        return self

    def unmount(self):
        self.lab.mounts.remove(self)
        subprocess.run(["fusermount3", "-u", self.path], check=True)
        if self.process.wait() != 0:
            raise Failed(f"otsfs failed, see {self.path}.log")
        self.log.close()


class Cost:
    """What commands took: seconds, CPU seconds of `clients` and the commands, peaks, requests."""

    def __init__(self, clients, servers):
        self.clients, self.servers = clients, servers
        self.tool_cpu_s = self.seconds = 0.0
        self.peaks_mb = {}
        for process in [*clients, *servers]:
            forget_peak(process.pid)
        self.cpu_before = [process_cpu_s(client.pid) for client in clients]
        self.server_cpu_before = [process_cpu_s(server.pid) for server in servers]
        self.actions_before = [server.actions() for server in servers]

    def run(self, *command, may_fail=False):
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds += time.monotonic() - start
        self.tool_cpu_s += usage.ru_utime + usage.ru_stime
        name = os.path.basename(command[0])
        self.peaks_mb[name] = max(self.peaks_mb.get(name, 0), usage.ru_maxrss / 1024)
        if process.returncode and not may_fail:
            raise Failed(f"exit status {process.returncode}: {' '.join(command)}")

    def end(self):
        self.client_cpu_s = self.tool_cpu_s + sum(
            process_cpu_s(client.pid) - before for client, before in zip(self.clients, self.cpu_before))
        self.server_cpu_s = sum(process_cpu_s(server.pid) - before
                                for server, before in zip(self.servers, self.server_cpu_before))
        self.client_mb = sum(process_kb(client.pid, "VmHWM") for client in self.clients) / 1024
        self.server_mb = sum(process_kb(server.pid, "VmHWM") for server in self.servers) / 1024
        self.actions_after = [server.actions() for server in self.servers]

    def count(self, server, action, name="calls"):
        at = self.servers.index(server)
        return (self.actions_after[at].get(action, {}).get(name, 0)
                - self.actions_before[at].get(action, {}).get(name, 0))

    def rows_read(self, server):
        return sum(self.count(server, action, "rows_out") for action in ("GetTimeseriesData", "ScanTimeseriesData"))

    def calls(self, server):
        """Requests, but for those by the clock."""
        actions = self.actions_after[self.servers.index(server)]
        return sum(self.count(server, action) for action in actions if action not in BY_THE_CLOCK)


class Lab:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.disk = tempfile.mkdtemp(prefix="ots.", dir=os.environ.get("TMPDIR", "/var/tmp"))
        self.memory = tempfile.mkdtemp(prefix="ots.", dir="/dev/shm")
        self.servers, self.mounts, self.mount_count = [], [], 0

    def program(self, name):
        return os.path.join(self.build, name)

    def server(self, name):
        server = Server(self, name)
        self.servers.append(server)
        return server

    @contextlib.contextmanager
    def mounted(self, servers, state, *options):
        mount = Mount(self, servers, state, options)
        yield mount
        mount.unmount()

    @contextlib.contextmanager
    def cost(self, clients=(), servers=()):
        cost = Cost(list(clients), list(servers))
        yield cost
        cost.end()

    def in_memory(self, name):
        return os.path.join(self.memory, name)

    def clear(self):
        """Ready for the next figures: no server, nothing in the folders."""
        for server in list(self.servers):
            server.remove()
        for folder in (self.disk, self.memory):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def close(self):
        for mount in list(self.mounts):
            subprocess.run(["fusermount3", "-uz", mount.path], check=False)
            mount.process.terminate()
            try:
                mount.process.wait(30)
            except subprocess.TimeoutExpired:
                mount.process.kill()
                mount.process.wait()
            with open(mount.path + ".log", encoding="utf-8") as log:
                sys.stderr.write(log.read()[-2000:])
        for server in self.servers:
            server.process.terminate()
            server.process.wait()
        shutil.rmtree(self.disk, ignore_errors=True)
        shutil.rmtree(self.memory, ignore_errors=True)
