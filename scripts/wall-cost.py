#!/usr/bin/env python3
"""What the second wall costs on PostgreSQL, as ratios of one run (docs/benchmarks.md).

    scripts/with-postgres.sh python3 scripts/wall-cost.py PROGRAM [ORDERS] [ROUNDS]

The same program signs in twice: as one who may take the role of the wall, and as one who may not, for whom
the wall is down. Imports take turns, each into a fresh database; then two servers over the same data are
asked by turns, one request at a time.
"""
import http.client, os, statistics, subprocess, sys, tempfile, time

program = sys.argv[1]
orders = sys.argv[2] if len(sys.argv) > 2 else "100000"
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
base = os.environ["GUANXI_TEST_POSTGRES"]
address = base.rsplit("@", 1)[1]
folder = tempfile.mkdtemp(prefix="wall-cost.")


def sql(database, text):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", f"{base}/{database}", "-c", text],
                   check=True, env={**os.environ, "PGOPTIONS": "-c client_min_messages=error"})


def guanxi(url, *args, **more):
    data = os.path.join(folder, url.rsplit("/", 1)[1])
    command = [program, "--data", data, "--database-url", url, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, **more)


# Owns nothing and may make no roles; what it makes belongs to its group, which is no member of the wall.
sql("postgres", "CREATE ROLE tables NOLOGIN; CREATE ROLE bare LOGIN IN ROLE tables;")
report = os.path.join(folder, "report.csv")
subprocess.run([program, "bench", "generate-export", "--orders", orders, "--out", report],
               check=True, capture_output=True)


def fresh(name, sign_in):
    sql("postgres", f"CREATE DATABASE {name} OWNER {sign_in}")
    return f"postgres://{sign_in}@{address}/{name}"


seconds = {"guanxi": [], "bare": []}
for n in range(rounds):
    for sign_in in ["guanxi", "bare"] if n % 2 else ["bare", "guanxi"]:
        url = fresh(f"import_{sign_in}_{n}", sign_in)
        began = time.monotonic()
        guanxi(url, "import", "--shop", "shop", report)
        seconds[sign_in].append(time.monotonic() - began)
up, down = (statistics.median(seconds[name]) for name in ["guanxi", "bare"])
print(f"| import of {orders} orders, s | {down:.2f} | {up:.2f} | {up / down:.3f} |")

# One set of data, two servers.
url = f"postgres://guanxi@{address}/import_guanxi_0"
guanxi(url, "user", "add", "--email", "a@example.com", "--name", "A", input="a long password\n")
token = guanxi(url, "token", "create", "--email", "a@example.com", "--name", "t").stdout.split()[-1]
sql("import_guanxi_0", "DO $$ DECLARE t record; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE"
    " schemaname = 'public' LOOP EXECUTE format('ALTER TABLE %I OWNER TO tables', t.tablename);"
    " END LOOP; END $$; GRANT CREATE ON SCHEMA public TO tables; ANALYZE;")
servers, ports = [], {"guanxi": 18931, "bare": 18932}
for sign_in, port in ports.items():
    data = os.path.join(folder, "import_guanxi_0")
    log = open(os.path.join(folder, f"{sign_in}.log"), "w")
    servers.append(subprocess.Popen(
        [program, "--data", data, "--database-url", f"postgres://{sign_in}@{address}/import_guanxi_0",
         "serve", "--listen", f"127.0.0.1:{port}", "--no-backups", "--requests-per-second", "100000"],
        stdout=log, stderr=log))
try:
    clients = {}
    for sign_in, port in ports.items():
        for _ in range(300):
            try:
                clients[sign_in] = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                clients[sign_in].request("GET", "/readyz")
                answer = clients[sign_in].getresponse()
                answer.read()
                if answer.status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.2)

    def ask(sign_in, path):
        began = time.monotonic()
        clients[sign_in].request("GET", "/api/v1" + path, headers={"authorization": f"Bearer {token}"})
        answer = clients[sign_in].getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:200])
        return (time.monotonic() - began) * 1000, body

    for path in ["/customers?limit=50", "/customers?limit=50&sort=-revenue&orders_min=2",
                 "/commerce/orders?limit=50", "/commerce/imports", "/identity/users"]:
        took = {"guanxi": [], "bare": []}
        for n in range(440):
            answers = []
            for sign_in in ["guanxi", "bare"] if n % 2 else ["bare", "guanxi"]:
                millis, body = ask(sign_in, path)
                answers.append(body)
                if n >= 40:
                    took[sign_in].append(millis)
            assert answers[0] == answers[1], path
        for name, place in [("median", 0.5), ("p95", 0.95)]:
            up, down = (sorted(took[who])[int(len(took[who]) * place)] for who in ["guanxi", "bare"])
            print(f"| `GET {path}` {name}, ms | {down:.2f} | {up:.2f} | {up / down:.3f} |")
    told = open(os.path.join(folder, "bare.log")).read() + open(os.path.join(folder, "guanxi.log")).read()
    assert told.count("hold organisations apart") == 1, told
finally:
    for server in servers:
        server.terminate()
        server.wait()
    subprocess.run(["rm", "-rf", folder])
