"""A PostgreSQL of one's own: started for a while, with nothing in it, and gone after that."""

import os
import pathlib
import shutil
import socket
import subprocess


class Database:
    """`programs`: the folder of PostgreSQL's programs. It does not run as root: there it runs as another user. With a certificate and its
    key it takes connections of TLS alone."""

    def __init__(self, programs, folder, tls=()):
        self.programs, self.folder, self.tls = pathlib.Path(programs), folder, tls
        self.environment = {**os.environ, "PGHOST": folder, "LC_ALL": "C"}
        user = 65534 if os.getuid() == 0 else None
        self.user = {"user": user, "group": user} if user else {}
        if user:
            os.chown(folder, user, user)
            try:
                self.run("initdb", "--version")
            except PermissionError:
                # Only root can look where they are.
                shutil.copytree(self.programs.parent, f"{folder}/programs")
                self.programs = pathlib.Path(folder) / "programs/bin"

    def run(self, program, *arguments, **options):
        command = [str(self.programs / program), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.run(command, text=True, cwd=self.folder, env=self.environment, **self.user, **pipes)

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment["PGPORT"] = str(self.port)
        made = self.run("initdb", "-D", f"{self.folder}/data", "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {self.folder} -c listen_addresses=127.0.0.1 -c port={self.port} -c fsync=off"
        if self.tls:
            for source, name in zip(self.tls, ("server.crt", "server.key")):
                copy = f"{self.folder}/data/{name}"
                shutil.copyfile(source, copy)
                os.chmod(copy, 0o600)
                if self.user:
                    os.chown(copy, self.user["user"], self.user["user"])
            pathlib.Path(f"{self.folder}/data/pg_hba.conf").write_text("local all all trust\nhostssl all all all trust\n")
            options += " -c ssl=on"
        started = self.run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")
        if made.returncode or started.returncode:
            raise SystemExit(made.stderr + started.stderr)
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")

    def psql(self, database, user, *statements):
        """Runs statements; stops at the first that fails. Each is sent as one text."""
        commands = [part for statement in statements for part in ("-c", statement)]
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database, *commands)
