"""The transaction engine's driver on a chain behind a proxy that misbehaves: accounts with a journal each, and cases that get one of each."""
import json, os, random, shutil, sqlite3, subprocess, sys, tempfile, time, traceback

from rpc_fault_proxy import FaultProxy
from stage import TOP, Stage, npm_bin

DRIVER = os.environ.get("CVM_TX_DRIVER") or os.path.join(TOP, "build/debug/tx_driver")
COUNTER = "0x600b8060093d393df36000358054600101905500"


class Chain:
    def __init__(self, stage):
        self.stage = stage
        self.rng = random.Random(7)
        self.counter = self.deploy(COUNTER)

    def rpc(self, method, *params):
        return self.stage.rpc(method, *params)

    def deploy(self, code):
        tx = self.rpc("eth_sendTransaction", {"from": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "data": code})
        while True:
            receipt = self.rpc("eth_getTransactionReceipt", tx)
            if receipt:
                return receipt["contractAddress"]

    def automine(self, on):
        self.rpc("evm_setAutomine", on)


class Account:
    """An account with money and a journal of its own."""

    def __init__(self, chain, funds=10**20):
        self.chain, self.dir = chain, tempfile.mkdtemp(prefix="cvm-tx-")
        self.key = "%064x" % chain.rng.getrandbits(255)
        self.address = subprocess.check_output([npm_bin("cast"), "wallet", "address", "--private-key", self.key], text=True).strip()
        chain.rpc("anvil_setBalance", self.address, hex(funds))
        self.base = chain.rng.getrandbits(60) * 2

    def command(self, action, url, *args, **options):
        o = {"--poll-ms": 60, "--resend": 1, "--confirmations": 1, "--timeout": 15, "--chain-id": 31337}
        o.update({"--" + k.replace("_", "-"): v for k, v in options.items()})
        urls = [url] if isinstance(url, str) else url
        flat = [x for k, v in o.items() for x in (k, str(v))]
        return [DRIVER, action, "--state", self.dir + "/state", "--key", self.key, *[x for u in urls for x in ("--rpc", u)], *flat, *map(str, args)]

    def run(self, action, url, *args, env=None, **options):
        p = subprocess.run(self.command(action, url, *args, **options), capture_output=True, text=True, timeout=120,
                           env={**os.environ, **(env or {})})
        out = [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]
        if "Sanitizer" in p.stderr:
            raise AssertionError(p.stderr[-3000:])
        return out

    def submit(self, url, n=0, count=1, to=None, **options):
        out = self.run("submit", url, "--to", to or self.chain.counter, "--first", self.base + 2 * n, "--count", count, **options)
        return out[0] if count == 1 else out

    def start(self, url, n=0, **options):
        return subprocess.Popen(self.command("submit", url, "--to", self.chain.counter, "--first", self.base + 2 * n, "--count", 1, **options),
                                stdout=subprocess.PIPE, text=True)

    def effects(self, n=0):
        return int(self.chain.rpc("eth_getStorageAt", self.chain.counter, hex(self.base + 2 * n), "latest"), 16)

    def nonce(self):
        return int(self.chain.rpc("eth_getTransactionCount", self.address, "latest"), 16)

    def db(self):
        return sqlite3.connect(self.dir + "/state/relayer.db")

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def want(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def until(condition, what, timeout=15):
    end = time.time() + timeout
    while time.time() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("never came: " + what)


class Skipped(Exception):
    pass


CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def refused_for(chain, proxy, acc, code, words, n=0, **options):
    r = acc.submit(proxy.url if proxy else "http://127.0.0.1:9", n, **options)
    want(not r["ok"] and r["code"] == code and words in r["text"], r)
    return r


def main():
    names = sys.argv[1:]
    passed = failed = skipped = 0
    with Stage("debug") as stage:
        chain = Chain(stage)
        for fn in CASES:
            if names and not any(n in fn.__name__ for n in names):
                continue
            acc, started = Account(chain), time.time()
            try:
                with FaultProxy(stage.url) as proxy:
                    fn(chain, proxy, acc)
                passed += 1
                print(f"ok      {fn.__name__} ({time.time() - started:.1f} s)", flush=True)
            except Skipped as e:
                skipped += 1
                print(f"skipped {fn.__name__}: {e}", flush=True)
            except Exception as e:
                failed += 1
                print(f"FAILED  {fn.__name__}: {e}", flush=True)
                if not isinstance(e, AssertionError):
                    traceback.print_exc()
            finally:
                acc.close()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0
