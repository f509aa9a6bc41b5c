"""A pool of psycopg that does what it is told, one JSON object a line, and answers in the same way; see psycopg.test.ts."""
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

from psycopg import Error, Rollback
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

url, connections, zone = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def configure(connection):
    connection.execute("select set_config('TimeZone', %s, false)", [zone])


pool = ConnectionPool(
    url,
    min_size=0,
    max_size=connections,
    timeout=10,
    reconnect_timeout=5,
    kwargs={"autocommit": True},
    configure=configure,
    open=True,
)
# A thread for each connection, and one for each who waits for a connection.
threads = ThreadPoolExecutor(100)
writing = threading.Lock()

columns = ["a_text", "an_int", "a_bigint", "a_numeric", "a_boolean", "a_jsonb", "a_time", "some_texts", "some_bytes"]
to_python = {
    "a_bigint": int,
    "a_numeric": Decimal,
    "a_jsonb": Jsonb,
    "a_time": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
    "some_bytes": bytes.fromhex,
}
to_json = {
    "a_bigint": str,
    "a_numeric": lambda value: f"{value:f}",
    "a_time": lambda time: time.isoformat(),
    "some_bytes": lambda value: value.hex(),
}


def convert(row, converters):
    return {
        name: converters.get(name, lambda same: same)(value) if value is not None else None
        for name, value in row.items()
    }


class Session:
    """One connection with the transactions that are open on it, or with the cursor that is read."""

    def __init__(self):
        self.connection = pool.getconn()
        self.transactions = []
        self.cursor = None

    def close(self):
        pool.putconn(self.connection)


sessions = {}


def query(connection, sql, parameters, **options):
    cursor = connection.execute(sql, parameters or None, **options)
    return [list(row) for row in cursor.fetchall()] if cursor.description else []


def on(session):
    if session is None:
        return pool.connection()
    return Borrowed(sessions[session].connection)


class Borrowed:
    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        return self.connection

    def __exit__(self, *_):
        pass


def run_query(sql, parameters=(), session=None):
    with on(session) as connection:
        return query(connection, sql, parameters)


def run_prepared(sql, parameters):
    with pool.connection() as connection:
        return query(connection, sql, parameters, prepare=True)


def run_many(sql, parameters):
    """All in one pipeline."""
    with pool.connection() as connection, connection.transaction():
        connection.cursor().executemany(sql, parameters)


def run_copy(names):
    with pool.connection() as connection, connection.cursor() as cursor:
        with cursor.copy("copy people (name) from stdin") as copy:
            for name in names:
                copy.write_row([name])
        with cursor.copy("copy (select name from people order by id) to stdout") as copy:
            return [row[0] for row in copy.rows()]


def run_begin(session):
    if session not in sessions:
        sessions[session] = Session()
    transaction = sessions[session].connection.transaction()
    transaction.__enter__()
    sessions[session].transactions.append(transaction)


def run_end(session, commit):
    transactions = sessions[session].transactions
    try:
        reason = None if commit else Rollback()
        transactions.pop().__exit__(reason and Rollback, reason, None)
    finally:
        if not transactions:
            sessions.pop(session).close()


def run_open(session, sql, parameters):
    """A cursor of the server, which is read in portions."""
    sessions[session] = Session()
    try:
        sessions[session].cursor = sessions[session].connection.cursor("portions", withhold=True)
        sessions[session].cursor.execute(sql, parameters)
    except Error:
        sessions.pop(session).close()
        raise


def run_fetch(session):
    return [list(row) for row in sessions[session].cursor.fetchmany(100)]


def run_close(session):
    sessions[session].cursor.close()
    sessions.pop(session).close()


def run_store(row):
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    with pool.connection() as connection:
        stored = connection.execute(
            f"insert into kinds ({names}) values ({values}) returning {names}", convert(row, to_python), binary=True
        ).fetchone()
    return convert(dict(zip(columns, stored)), to_json)


def answer(id, task, **arguments):
    try:
        reply = {"result": globals()[f"run_{task}"](**arguments)}
    except Exception as error:
        reply = {"error": str(error), "code": getattr(error, "sqlstate", None)}
    with writing:
        print(json.dumps({"id": id, **reply}), flush=True)


for line in sys.stdin:
    threads.submit(answer, **json.loads(line))
threads.shutdown()
pool.close()
