"""What the tools make of the files of `tools.yaml`, run on a PostgreSQL that this starts for itself.

    python3 tools.py <folder of PostgreSQL's programs> <tool> <the command of the tool>    # compares; prints what is otherwise
"""

import pathlib
import subprocess
import sys
import tempfile

import yaml
from database import Database

# Seconds after which a tool waits for ever: by itself each is done within five.
WAITS = 120
HERE = pathlib.Path(__file__).parent
RAN = "INSERT INTO kept.ran (what) VALUES ('{}')"
# What was noted by the migrations themselves, and the indexes that they have made.
DID = """SELECT what FROM kept.ran WHERE n > {} ORDER BY n; SELECT 'index ' || relname || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = 'kept.t'::regclass ORDER BY relname"""
SETUP = "CREATE SCHEMA kept; CREATE TABLE kept.ran (n serial, what text); CREATE TABLE kept.t (a int, b int); INSERT INTO kept.t VALUES (1, 2)"


def command(tool, program, folder, port, database, options):
    address = f"postgres://owner@127.0.0.1:{port}/{database}?sslmode=disable"
    match tool:
        case "golang-migrate":
            return [program, "-path", folder, "-database", address + options, "up"]
        case "goose":
            return [program, "-dir", folder, "postgres", address, "up"]
        case "dbmate":
            return [program, "--url", address, "--migrations-dir", folder, "--no-dump-schema", "migrate"]
        case "sqlx":
            return [program, "migrate", "run", "--source", folder, "-D", address]
        case "flyway":
            pom = str(HERE / "flyway.xml")
            url = f"jdbc:postgresql://127.0.0.1:{port}/{database}"
            return [program, "-q", "-B", "-f", pom, "flyway:migrate", f"-Dflyway.url={url}", "-Dflyway.user=owner", f"-Dflyway.locations=filesystem:{folder}", *options.split()]
    raise SystemExit(f"{tool} is not known here")


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("ran!", RAN.format(name)))


def answer(postgres, number, tool, program, case):
    """What the tool did with the files, after it was done with those that were there before."""
    database = f"case_{number}"
    postgres.psql("postgres", "owner", f"CREATE DATABASE {database}")
    postgres.psql(database, "owner", SETUP)
    with tempfile.TemporaryDirectory() as folder:
        call = command(tool, program, folder, postgres.port, database, case.get("options", ""))

        def run():
            return subprocess.run(call, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAITS)

        last = "0"
        if "before" in case:
            write(pathlib.Path(folder), case["before"])
            first = run()
            if first.returncode:
                raise SystemExit(f"{tool}, {case['what']}: the files that were there before: {first.stdout}")
            last = postgres.psql(database, "owner", "SELECT coalesce(max(n), 0) FROM kept.ran").stdout.strip()
        write(pathlib.Path(folder), case["files"])
        try:
            ran = run()
            fails = ran.stdout.strip() if ran.returncode else None
        except subprocess.TimeoutExpired:
            fails = "waits for ever"
    did = postgres.psql(database, "owner", *DID.format(last).split(";")).stdout.splitlines()
    return did, fails


def main():
    programs, tool, program = sys.argv[1:]
    cases = yaml.safe_load((HERE / "tools.yaml").read_text())[tool]["cases"]
    otherwise = 0
    with tempfile.TemporaryDirectory() as folder, Database(programs, folder) as postgres:
        for number, case in enumerate(cases):
            did, fails = answer(postgres, number, tool, program, case)
            expected = case.get("fails")
            if did != case["did"] or (expected or "") not in (fails or "") or (expected is None) != (fails is None):
                otherwise += 1
                print(f"{tool}, {case['what']}: did {did}, fails: {fails}")
    raise SystemExit(1 if otherwise else 0)


main()
