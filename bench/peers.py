#!/usr/bin/env python3
"""Times DuckDB, Polars and chDB at the questions of `guanxi bench insight`, and says what they counted.

    bench/peers.py --tables DIR [--rounds 9] [--threads 2] [--memory-gib 10] [--only duckdb,polars] [--out FILE]

DIR holds the Parquet files that `guanxi audience export` or `audience_sql::write_snapshot` wrote; docs/audiences.md
describes them. Everything asked for is timed in this one run, one peer after the other, each in a process of its own:

  rfm_orders       the RFM cube (5 x 5 x 5, quantiles of type 7) of all customers, from the orders
  rfm_features     the same from a prepared table with a row a customer
  audience10       an audience of ten conditions on that prepared table
  audience_window  the same and "two orders or more in 90 days" and "none of product X in 30 days", from the facts

Each figure is the median of the rounds in milliseconds; each round asks for other values, so that nothing is answered
from memory. What a peer needs is made before, and not timed: customers are numbers, as in the engine, tables are in the
peer's own form, in memory or, for chDB, on the disk behind the page cache. The counts of the last round stand beside the
figures, and `agree` says whether all peers have the same.

The tools come from bench/requirements.txt, with exact versions, into a folder below the target folder.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
WANTED = TOP / "bench" / "requirements.txt"
PEERS = ("duckdb", "polars", "chdb")
DAY_MS = 86_400_000
PROVINCES = ("广东省", "浙江省", "江苏省", "上海", "北京")
# The tag that the audience leaves out: the first of the made-up shop.
TAG = "tag_00000000000000000000000001"
QUANTILES = (0.2, 0.4, 0.6, 0.8)
# Above a quantile lies what is above it by one unit: a day, an order, a yuan.
UNITS = {"r": 1, "f": 1, "m": 100}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-gib", type=float, default=10.0, help="of one peer")
    parser.add_argument("--as-of", default="2025-12-31", help="the last day of the made-up shop")
    parser.add_argument("--zone-hours", type=int, default=8)
    parser.add_argument("--only", default=",".join(PEERS))
    parser.add_argument("--out", type=pathlib.Path, help="write the JSON here, too")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--prepared", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.rounds < 1 or args.threads < 1 or args.memory_gib <= 0:
        parser.error("--rounds, --threads and --memory-gib must be above zero")
    unknown = set(args.only.split(",")) - set(PEERS)
    if unknown:
        parser.error(f"--only knows {', '.join(PEERS)}, not {', '.join(sorted(unknown))}")
    return args


class Days:
    """Moments of the days around the as-of day, in milliseconds since 1970 in UTC."""

    def __init__(self, args):
        import datetime

        self.zone_ms = args.zone_hours * 3_600_000
        self.day = (datetime.date.fromisoformat(args.as_of) - datetime.date(1970, 1, 1)).days
        self.end = self.start_of(self.day + 1)

    def start_of(self, day):
        return day * DAY_MS - self.zone_ms

    def last(self, days):
        """Where the last so many days begin, which end with the as-of day."""
        return self.start_of(self.day - days + 1)


def conditions(days, nth):
    """The values of a round, as `on_features` in crates/analytics/src/bench/insight.rs has them."""
    return {
        "revenue_from": (80 + nth) * 100,
        "revenue_to": 900_000 * 100,
        "average_from": 30 * 100,
        "last_from": days.last(400 + nth),
        "first_before": days.last(60),
        "created_before": days.last(30),
        "orders_from": days.last(90),
        "product": f"p{7 + nth}",
        "product_from": days.last(30),
        "end": days.end,
    }


def audience_sql(now):
    """The ten conditions, in the SQL that DuckDB and chDB share."""
    provinces = ", ".join(f"'{one}'" for one in PROVINCES)
    return f"""orders >= 2 AND revenue BETWEEN {now["revenue_from"]} AND {now["revenue_to"]}
        AND average >= {now["average_from"]} AND last_at >= {now["last_from"]} AND first_at < {now["first_before"]}
        AND province IN ({provinces}) AND created_at < {now["created_before"]}
        AND NOT tagged AND NOT (rating <= 1) AND refused_from >= {now["end"]}"""


def window_sql(now):
    return f"""{audience_sql(now)}
        AND customer IN (SELECT customer FROM orders WHERE ordered_at >= {now["orders_from"]}
            AND ordered_at < {now["end"]} GROUP BY customer HAVING count(*) >= 2)
        AND customer NOT IN (SELECT customer FROM lines WHERE code = '{now["product"]}'
            AND ordered_at >= {now["product_from"]} AND ordered_at < {now["end"]})"""


def prepare(args):
    """Customers as numbers and a row of features each, written once for all peers."""
    import duckdb

    tables, out, days = args.tables, args.prepared, Days(args)
    db = duckdb.connect(str(out / "prepare.duckdb"))
    db.execute(f"SET threads = {args.threads}; SET memory_limit = '{args.memory_gib:.1f}GiB'")
    db.execute(f"SET temp_directory = '{out / 'spilled'}'; SET preserve_insertion_order = false")
    read = {name: f"read_parquet('{tables / name}.parquet')" for name in ("customers", "customer_tags", "orders", "lines")}
    db.execute(
        f"""CREATE TABLE ids AS SELECT customer AS id, (row_number() OVER (ORDER BY customer) - 1)::UINTEGER AS customer
        FROM {read["customers"]}"""
    )
    copy = "TO '{}' (FORMAT parquet, COMPRESSION snappy)"
    for name, columns in (
        ("orders", "ordered_at, revenue_minor::BIGINT AS revenue"),
        ("lines", "ordered_at, code_folded AS code"),
    ):
        rows = f"SELECT ids.customer, {columns} FROM {read[name]} t JOIN ids ON ids.id = t.customer"
        db.execute(f"COPY ({rows}) {copy.format(out / (name + '.parquet'))}")
    orders = f"read_parquet('{out / 'orders.parquet'}')"
    never = 2**62
    db.execute(
        f"""COPY (
        WITH bought AS (SELECT customer, count(*) AS orders, sum(revenue)::BIGINT AS revenue, min(ordered_at) AS first_at,
            max(ordered_at) AS last_at FROM {orders} WHERE ordered_at < {days.end} GROUP BY customer)
        SELECT ids.customer, c.province, coalesce(c.rating, 9)::UTINYINT AS rating, c.created_at,
            coalesce(c.refused_from, {never}) AS refused_from,
            ids.id IN (SELECT customer FROM {read["customer_tags"]} WHERE tag = '{TAG}') AS tagged,
            coalesce(orders, 0)::UINTEGER AS orders, coalesce(revenue, 0) AS revenue,
            -- Half away from zero, as the engine rounds; without an order far below every bound.
            CASE WHEN orders IS NULL THEN {-never}
                ELSE (revenue + CASE WHEN revenue < 0 THEN -(orders // 2) ELSE orders // 2 END) // orders END AS average,
            coalesce(first_at, {never}) AS first_at, coalesce(last_at, {-never}) AS last_at
        FROM {read["customers"]} c JOIN ids ON ids.id = c.customer LEFT JOIN bought ON bought.customer = ids.customer
        ORDER BY ids.customer) {copy.format(out / 'features.parquet')}"""
    )
    sizes = {
        name: db.execute(f"SELECT count(*) FROM read_parquet('{out / name}.parquet')").fetchone()[0]
        for name in ("features", "orders", "lines")
    }
    db.close()
    (out / "prepare.duckdb").unlink()
    return sizes


def rounds_of(args, ask):
    """The median time of `ask` over the rounds, and the answer of the last."""
    times, answer = [], None
    for nth in range(args.rounds):
        began = time.perf_counter()
        answer = ask(nth)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), answer


def cube_of(rows):
    """Customers by cell, `[[r, f, m, customers], …]`, as one text a cell."""
    return {f"R{r}F{f}M{m}": int(n) for r, f, m, n in sorted(tuple(map(int, row)) for row in rows)}


class Duckdb:
    def __init__(self, args, folder):
        import duckdb

        self.version, self.days = duckdb.__version__, Days(args)
        self.db = duckdb.connect()
        self.db.execute(f"SET threads = {args.threads}; SET memory_limit = '{args.memory_gib:.1f}GiB'")
        self.db.execute(f"SET temp_directory = '{folder / 'duckdb'}'")
        for name in ("features", "orders", "lines"):
            source = f"read_parquet('{args.prepared / name}.parquet')"
            if name == "lines":
                self.db.execute(f"CREATE TYPE code AS ENUM (SELECT DISTINCT code FROM {source} ORDER BY code)")
                source = f"(SELECT customer, ordered_at, code::code AS code FROM {source})"
            self.db.execute(f"CREATE TABLE {name} AS SELECT * FROM {source}")

    def rfm(self, source, end, day):
        values = {
            "orders": f"""SELECT {day} - (max(ordered_at) + {self.days.zone_ms}) // {DAY_MS} AS r, count(*) AS f,
                sum(revenue)::BIGINT AS m FROM orders WHERE ordered_at < {end} GROUP BY customer""",
            "features": f"""SELECT {day} - (last_at + {self.days.zone_ms}) // {DAY_MS} AS r, orders::BIGINT AS f,
                revenue AS m FROM features WHERE orders > 0""",
        }[source]
        bounds = ", ".join(
            f"list_transform(quantile_cont({one}, {list(QUANTILES)}), lambda x: x + {unit}) AS {one}b"
            for one, unit in UNITS.items()
        )
        above = {one: " + ".join(f"({one} >= {one}b[{n}])::INT" for n in (1, 2, 3, 4)) for one in UNITS}
        return self.db.execute(
            f"""WITH v AS MATERIALIZED ({values}), b AS (SELECT {bounds} FROM v)
            SELECT 5 - ({above["r"]}), 1 + {above["f"]}, 1 + {above["m"]}, count(*) FROM v, b GROUP BY ALL"""
        ).fetchall()

    def audience(self, now):
        return self.db.execute(f"SELECT count(*) FROM features WHERE {audience_sql(now)}").fetchone()[0]

    def window(self, now):
        return self.db.execute(f"SELECT count(*) FROM features WHERE {window_sql(now)}").fetchone()[0]


class Chdb:
    def __init__(self, args, folder):
        import chdb
        from chdb import session

        self.version, self.days = chdb.__version__, Days(args)
        path = folder / "chdb"
        path.mkdir()
        self.db = session.Session(str(path))
        # Sorts and groups go to disk at half of what one statement may take; loading takes small blocks.
        limit = int(args.memory_gib * 2**30 * 0.8)
        self.settings = (
            f"max_threads = {args.threads}, max_memory_usage = {limit}, max_bytes_before_external_group_by = {limit // 2},"
            f" max_bytes_before_external_sort = {limit // 2}, max_insert_threads = 1, use_query_cache = 0"
        )
        columns = {
            "features": """customer UInt32, province LowCardinality(String), rating UInt8, created_at Int64,
                refused_from Int64, tagged Bool, orders UInt32, revenue Int64, average Int64, first_at Int64,
                last_at Int64""",
            "orders": "customer UInt32, ordered_at Int64, revenue Int64",
            "lines": "customer UInt32, ordered_at Int64, code LowCardinality(String)",
        }
        self.ask("CREATE DATABASE IF NOT EXISTS peers ENGINE = Atomic", plain=True)
        for name, fields in columns.items():
            self.ask(f"CREATE TABLE peers.{name} ({fields}) ENGINE = MergeTree ORDER BY customer", plain=True)
            self.ask(
                f"""INSERT INTO peers.{name} SELECT * FROM file('{args.prepared / name}.parquet', Parquet)
                SETTINGS {self.settings}, max_insert_block_size = 1000000""",
                plain=True,
            )
            self.ask(f"OPTIMIZE TABLE peers.{name} FINAL", plain=True)

    def ask(self, sql, plain=False):
        answer = self.db.query(sql if plain else f"{sql} SETTINGS {self.settings}", "JSONCompactEachRow")
        text = answer.bytes().decode() if answer is not None and hasattr(answer, "bytes") else ""
        return [json.loads(line) for line in text.splitlines() if line.strip()]

    def rfm(self, source, end, day):
        values = {
            "orders": f"""SELECT {day} - intDiv(max(ordered_at) + {self.days.zone_ms}, {DAY_MS}) AS r, count() AS f,
                sum(revenue) AS m FROM peers.orders WHERE ordered_at < {end} GROUP BY customer""",
            "features": f"""SELECT {day} - intDiv(last_at + {self.days.zone_ms}, {DAY_MS}) AS r, orders AS f,
                revenue AS m FROM peers.features WHERE orders > 0""",
        }[source]
        bounds = ", ".join(
            f"arrayMap(x -> x + {unit}, quantilesExactInclusive({', '.join(map(str, QUANTILES))})({one}))"
            for one, unit in UNITS.items()
        )
        above = {
            one: f"arrayCount(x -> {one} >= x, tupleElement(b, {n}))" for n, one in enumerate(UNITS, start=1)
        }
        if source == "orders":
            # Grouped once: a name given to a subquery would be computed where it is used, twice.
            self.ask(f"CREATE OR REPLACE TABLE peers.grouped ENGINE = Memory AS {values}")
            values = "SELECT r, f, m FROM peers.grouped"
        return self.ask(
            f"""WITH (SELECT tuple({bounds}) FROM ({values})) AS b
            SELECT 5 - {above["r"]} AS a1, 1 + {above["f"]} AS a2, 1 + {above["m"]} AS a3, count() AS n
            FROM ({values}) GROUP BY a1, a2, a3"""
        )

    def audience(self, now):
        return int(self.ask(f"SELECT count() FROM peers.features WHERE {audience_sql(now)}")[0][0])

    def window(self, now):
        where = window_sql(now).replace("FROM orders", "FROM peers.orders").replace("FROM lines", "FROM peers.lines")
        return int(self.ask(f"SELECT count() FROM peers.features WHERE {where}")[0][0])


class Polars:
    def __init__(self, args, _folder):
        os.environ["POLARS_MAX_THREADS"] = str(args.threads)
        import polars

        self.pl, self.version, self.days = polars, polars.__version__, Days(args)
        if polars.thread_pool_size() != args.threads:
            raise SystemExit(f"Polars has {polars.thread_pool_size()} threads, not {args.threads}")
        read = lambda name: polars.scan_parquet(args.prepared / f"{name}.parquet")
        category = polars.Categorical()
        self.features = read("features").with_columns(polars.col("province").cast(category)).collect()
        self.orders = read("orders").collect()
        self.lines = read("lines").with_columns(polars.col("code").cast(category)).collect()

    def rfm(self, source, end, day):
        pl = self.pl
        moment = {"orders": "ordered_at", "features": "last_at"}[source]
        recency = pl.lit(day) - (pl.col(moment) + self.days.zone_ms) // DAY_MS
        if source == "orders":
            orders = self.orders.lazy().filter(pl.col("ordered_at") < end).group_by("customer")
            values = orders.agg(
                pl.col("ordered_at").max(), pl.len().cast(pl.Int64).alias("f"), pl.col("revenue").sum().alias("m")
            ).select(recency.alias("r"), "f", "m")
        else:
            known = self.features.lazy().filter(pl.col("orders") > 0)
            values = known.select(recency.alias("r"), pl.col("orders").alias("f"), pl.col("revenue").alias("m"))
        values = values.collect()
        bounds = {
            one: [values[one].quantile(q, interpolation="linear") + unit for q in QUANTILES] for one, unit in UNITS.items()
        }
        above = {
            one: sum((pl.col(one) >= bound).cast(pl.Int32) for bound in bounds[one]) for one in UNITS
        }
        scored = values.lazy().select((5 - above["r"]).alias("r"), (1 + above["f"]).alias("f"), (1 + above["m"]).alias("m"))
        return scored.group_by("r", "f", "m").len().collect().rows()

    def passing(self, now):
        c = self.pl.col
        return self.features.lazy().filter(
            (c("orders") >= 2)
            & c("revenue").is_between(now["revenue_from"], now["revenue_to"])
            & (c("average") >= now["average_from"])
            & (c("last_at") >= now["last_from"])
            & (c("first_at") < now["first_before"])
            & c("province").is_in(list(PROVINCES))
            & (c("created_at") < now["created_before"])
            & ~c("tagged")
            & ~(c("rating") <= 1)
            & (c("refused_from") >= now["end"])
        )

    def audience(self, now):
        return self.passing(now).select(self.pl.len()).collect().item()

    def window(self, now):
        pl, c = self.pl, self.pl.col
        often = self.orders.lazy().filter((c("ordered_at") >= now["orders_from"]) & (c("ordered_at") < now["end"]))
        often = often.group_by("customer").len().filter(c("len") >= 2).select("customer")
        bought = self.lines.lazy().filter(
            (c("ordered_at") >= now["product_from"]) & (c("ordered_at") < now["end"]) & (c("code") == now["product"])
        )
        passing = self.passing(now).select("customer").join(often, on="customer", how="semi")
        return passing.join(bought.select("customer"), on="customer", how="anti").select(pl.len()).collect().item()


def measure(args):
    """One peer, in this process."""
    with tempfile.TemporaryDirectory(dir=args.prepared, prefix=args.peer) as folder:
        began = time.perf_counter()
        peer = {"duckdb": Duckdb, "polars": Polars, "chdb": Chdb}[args.peer](args, pathlib.Path(folder))
        found = {"version": peer.version, "load_seconds": round(time.perf_counter() - began, 2)}
        days, counts = peer.days, {}
        # As the engine, which is asked about another day each time.
        for source in ("orders", "features"):
            ahead = lambda nth: peer.rfm(source, days.start_of(days.day + nth + 1), days.day + nth)
            found[f"rfm_{source}_ms"], _ = rounds_of(args, ahead)
            counts[f"rfm_{source}"] = cube_of(peer.rfm(source, days.end, days.day))
        for name, ask in (("audience10", peer.audience), ("audience_window", peer.window)):
            found[f"{name}_ms"], counts[name] = rounds_of(args, lambda nth: ask(conditions(days, nth)))
        for name, value in found.items():
            if name.endswith("_ms"):
                found[name] = round(value, 2)
        found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return found | {"counts": counts}


def tools(target):
    """The folder with the tools, made when it is not what is wanted."""
    venv = target / "bench-peers" / "venv"
    mark = venv / "installed.txt"
    if not mark.exists() or mark.read_bytes() != WANTED.read_bytes():
        print("── installing bench/requirements.txt", file=sys.stderr)
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", str(WANTED)], check=True, timeout=1200)
        shutil.copy(WANTED, mark)
    return venv / "bin" / "python"


def run(python, args, *more):
    """This script once more, with the tools; gives what it printed, or what went wrong."""
    own = ["--tables", args.tables, "--rounds", args.rounds, "--threads", args.threads, "--memory-gib", args.memory_gib]
    own += ["--as-of", args.as_of, "--zone-hours", args.zone_hours]
    command = [str(python), str(pathlib.Path(__file__).resolve()), *map(str, own), *map(str, more)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return {"failed": (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main():
    args = arguments()
    if args.peer:
        print(json.dumps(measure(args), ensure_ascii=False))
        return 0
    if args.prepare:
        print(json.dumps(prepare(args)))
        return 0
    missing = [name for name in ("customers", "customer_tags", "orders", "lines") if not (args.tables / f"{name}.parquet").is_file()]
    if missing:
        raise SystemExit(f"{args.tables}: there is no {missing[0]}.parquet; `guanxi audience export --dir DIR` writes it")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")).resolve()
    python = tools(target)
    with tempfile.TemporaryDirectory(dir=target / "bench-peers", prefix="tables-") as folder:
        began = time.perf_counter()
        sizes = run(python, args, "--prepared", folder, "--prepare")
        if "failed" in sizes:
            raise SystemExit(f"the tables cannot be prepared: {sizes['failed']}")
        answer = {
            "rows": sizes,
            "threads": args.threads,
            "rounds": args.rounds,
            "as_of": args.as_of,
            "prepare_seconds": round(time.perf_counter() - began, 2),
            "peers": {},
        }
        for peer in args.only.split(","):
            print(f"── {peer}", file=sys.stderr)
            answer["peers"][peer] = run(python, args, "--prepared", folder, "--peer", peer)
    counted = [peer["counts"] for peer in answer["peers"].values() if "counts" in peer]
    answer["agree"] = {
        name: all(one[name] == counted[0][name] for one in counted) for name in (counted[0] if counted else {})
    }
    agree = bool(counted) and all(answer["agree"].values())
    if counted and all(answer["agree"][name] for name in ("rfm_orders", "rfm_features")):
        # One cube for all is enough to compare with the engine's.
        answer["rfm_cells"] = counted[0]["rfm_features"]
        for one in counted:
            for name in ("rfm_orders", "rfm_features"):
                one[name] = sum(one[name].values())
    text = json.dumps(answer, ensure_ascii=False, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")
    return 0 if agree and not any("failed" in peer for peer in answer["peers"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
