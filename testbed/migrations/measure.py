"""What each statement of `measured.tsv` does to code that ran before it, measured again on a PostgreSQL that this starts for itself.

    python3 measure.py <folder of PostgreSQL's programs>     # prints id, applies, old_code

Every statement is applied to a fresh schema; fifteen statements of older code are run before and after it, as a role without rights of its own.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from database import Database

HERE = pathlib.Path(__file__).parent
SETUP = """
ALTER DATABASE truth RESET ALL;
DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO app;
DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO app;
ALTER ROLE app RESET search_path;
CREATE TYPE mood AS ENUM('a','b'); CREATE DOMAIN posint AS int CHECK (VALUE>0);
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
CREATE TABLE users(id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,email varchar(50),name text,age int,note text,
    ts timestamptz NOT NULL DEFAULT now(),status mood,d posint,CONSTRAINT age_ok CHECK(age>-1));
CREATE INDEX users_email ON users(email);
INSERT INTO users(email,name,age,note,status,d) SELECT 'e'||g,'n'||g,g%90+1,'note','a',g FROM generate_series(1,3000) g;
CREATE TABLE orders(user_id bigint,total numeric(10,2));
INSERT INTO orders SELECT g,1 FROM generate_series(1,100) g;
ALTER TABLE orders ADD COLUMN id bigint; UPDATE orders SET id=user_id; ALTER TABLE orders ADD UNIQUE(id);
CREATE VIEW v AS SELECT id,email FROM users;
CREATE SEQUENCE s;
CREATE TABLE parent(k int) PARTITION BY LIST(k); CREATE TABLE parent_1 PARTITION OF parent FOR VALUES IN (1); INSERT INTO parent VALUES(1);
GRANT ALL ON ALL TABLES IN SCHEMA public TO app; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;
SELECT nextval('s');
"""
OLD = [
    ("sel", "SELECT id,email,name,age,note,ts,status FROM users"),
    ("selv", "SELECT id,email FROM v"),
    ("selp", "SELECT count(*) FROM parent WHERE k=1"),
    ("ord", "SELECT id,user_id,total FROM orders"),
    ("fn", "SELECT f(1)"),
    ("ins", "INSERT INTO users(email,name,age,note,status) VALUES('new','nn',5,'x','a')"),
    ("insnull", "INSERT INTO users(email,age) VALUES(NULL,NULL)"),
    ("insdup", "INSERT INTO users(email,name,age) VALUES('e1','n1',3)"),
    ("inslong", "INSERT INTO users(email,name,age,d) VALUES(repeat('x',50),repeat('y',60),2000,1)"),
    ("upd", "UPDATE users SET name=NULL WHERE id=7"),
    ("updage", "UPDATE users SET age=0 WHERE id=8"),
    ("insord", "INSERT INTO orders(id,user_id,total) VALUES(9999,424242,1.005)"),
    ("delu", "DELETE FROM users WHERE id=9"),
    ("insp", "INSERT INTO parent VALUES(1)"),
    ("seq", "SELECT nextval('s')"),
]
# What makes a transaction impossible is sent statement by statement.
ALONE = re.compile("CONCURRENTLY|VACUUM")


def old_code(postgres):
    """What each statement of older code answers, each taken back."""
    script = "".join(f"\\echo === {name}\nBEGIN; {sql};\nROLLBACK;\n" for name, sql in OLD)
    found = postgres.run("psql", "-XAtq", "-U", "app", "-d", "truth", input=script, stderr=subprocess.STDOUT)
    answers = {}
    for part in found.stdout.split("=== ")[1:]:
        name, _, text = part.partition("\n")
        lines = [line for line in text.splitlines() if line]
        if any("ERROR:" in line for line in lines):
            answers[name] = "fails"
        elif name.startswith(("sel", "ord")) and name != "selp":
            answers[name] = len(lines)
        else:
            answers[name] = lines[0] if name in ("selp", "fn") and lines else ""
    return answers


def told(name, before, after):
    return name if after in ("fails", None) else f"{name}:{before}->{after}"


def main():
    lines = (HERE / "measured.tsv").read_text().splitlines()[1:]
    with tempfile.TemporaryDirectory() as folder, Database(sys.argv[1], folder) as postgres:
        postgres.psql("postgres", "owner", "CREATE DATABASE truth", "CREATE ROLE app LOGIN", "CREATE ROLE postgres SUPERUSER")
        for line in lines:
            number, _, _, sql = line.split("\t", 3)
            sql = sql.replace("\\n", "\n")
            made = postgres.psql("truth", "owner", SETUP)
            if made.returncode:
                raise SystemExit(made.stderr)
            before = old_code(postgres)
            if number.endswith("71"):
                # A transaction that is never committed leaves nothing.
                applied = postgres.psql("truth", "owner", sql + " ROLLBACK;")
            elif ALONE.search(sql):
                applied = postgres.psql("truth", "owner", *(part for part in sql.split(";") if part.strip()))
            elif sql.startswith("\\"):
                applied = postgres.psql("truth", "owner", "SELECT " + sql)
            else:
                applied = postgres.psql("truth", "owner", "BEGIN", sql, "COMMIT")
            after = old_code(postgres)
            broken = [told(name, before[name], after.get(name)) for name, _ in OLD if before[name] != "fails" and after.get(name) != before[name]]
            print(number, "no" if applied.returncode else "yes", " ".join(broken) or "compatible", sep="\t", flush=True)


main()
