"""The stage of the end-to-end tests: a real chain (anvil), the devnet registry on it, a simulated VM with a real TPM, and the
real binary, each run with a home of its own. Everything started here is stopped again, by its own pid.

    with Stage() as s:
        s.deploy()
        run = s.relayer("register", s.evidence("gcp"), "--json")
"""
import http.client, json, os, shutil, signal, socket, subprocess, sys, tempfile, time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# anvil's first account: known to everybody, worth nothing anywhere else
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def npm_bin(name):
    return subprocess.check_output([os.path.join(TOP, "tests/support/npm-bin"), name], text=True).strip()


class RpcError(Exception):
    pass


class Result:
    """How one run of the binary ended."""

    def __init__(self, p):
        self.code, self.out, self.err = p.returncode, p.stdout, p.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out[:2000]}\nstderr: {self.err[:2000]}"


class Stage:
    def __init__(self, build=os.environ.get("CVM_BUILD", "release"), chain_id=31337, anvil_options=()):
        self.binary = os.path.join(TOP, "build", build, "cvm-relayer")
        self.sim = os.path.join(TOP, "build", build, "tests", "cvm-sim")
        if not os.path.exists(self.sim):
            self.sim = os.path.join(TOP, "build", build, "cvm-sim")
        self.chain_id, self.anvil_options = chain_id, list(anvil_options)
        self.dir = tempfile.mkdtemp(prefix="cvm-stage-")
        self.procs, self.registry, self.extra_env = [], None, {}
        self.counter = 0

    def __enter__(self):
        try:
            self.start_anvil()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        for p in reversed(self.procs):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read().strip()

    # --- the chain ---
    def start_anvil(self):
        self.port = free_port()
        log = open(self.path("anvil.log"), "w")
        self.procs.append(subprocess.Popen(
            [npm_bin("anvil"), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(self.chain_id), "--hardfork", "osaka",
             "--enable-tx-gas-limit", "--quiet", *self.anvil_options], stdout=log, stderr=log))
        self.anvil = self.procs[-1]
        self.url = f"http://127.0.0.1:{self.port}"
        for _ in range(200):
            try:
                return self.rpc("eth_chainId")
            except OSError:
                time.sleep(0.05)
        raise SystemExit("anvil does not answer: " + open(self.path("anvil.log")).read()[-500:])

    def rpc(self, method, *params):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request("POST", "/", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}),
                  {"Content-Type": "application/json"})
        answer = json.loads(c.getresponse().read())
        c.close()
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def deploy(self, profile="g1b", *options):
        """a registry of this generation; its address. options: of deploy.mjs"""
        out = subprocess.run(["node", os.path.join(TOP, "deploy/devnet/deploy.mjs"), "--rpc", self.url, "--profile", profile, *options],
                             capture_output=True, text=True, cwd=TOP)
        if out.returncode:
            raise SystemExit("devnet registry does not deploy: " + out.stderr[-2000:] + out.stdout[-500:])
        self.deployment = json.loads(out.stdout)
        self.registry = self.deployment["registry"]
        return self.registry

    def upgrade(self, profile):
        """another implementation behind the proxy"""
        return self.deploy(profile, "--upgrade", self.registry)

    def transact(self, data, to=None):
        """a transaction of another account than the relayer's; its receipt"""
        hash = self.rpc("eth_sendTransaction", {"from": self.rpc("eth_accounts")[1], "data": data, **({"to": to} if to else {})})
        for _ in range(100):
            receipt = self.rpc("eth_getTransactionReceipt", hash)
            if receipt:
                need(receipt["status"] == "0x1", "reverted:", receipt)
                return receipt
            time.sleep(0.05)
        raise AssertionError("not mined: " + hash)

    def create(self, contract):
        """another of the devnet's contracts, without arguments; its address"""
        with open(os.path.join(TOP, "build/devnet", contract + ".json")) as f:
            return self.transact(json.load(f)["bytecode"])["contractAddress"]

    def now(self):
        """the chain's time: the latest block's"""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def travel(self, seconds):
        self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")

    # --- the binary ---
    def env(self):
        return {"PATH": os.environ["PATH"], "HOME": self.dir, "XDG_STATE_HOME": self.path("state"), "XDG_CONFIG_HOME": self.path("config"),
                "NO_COLOR": "1", "ASAN_OPTIONS": "detect_leaks=1", **self.extra_env}

    def relayer(self, *args, stdin=None, timeout=120, env=None):
        p = subprocess.run([self.binary, *map(str, args)], input=stdin, capture_output=True, text=True, cwd=self.dir,
                           env={**self.env(), **(env or {})}, timeout=timeout)
        return Result(p)

    def key_file(self, key=KEY):
        """a raw key file as the binary demands it: 0600"""
        path = self.path("account.key")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, (key + "\n").encode())
        os.close(fd)
        return path

    # --- the simulated VM ---
    def run_sim(self, *args):
        p = subprocess.run([self.sim, *map(str, args)], capture_output=True, text=True)
        if p.returncode:
            raise SystemExit("cvm-sim: " + p.stderr[-1000:])
        return p.stdout

    def evidence(self, cloud, public_key, call="attestCvm", name=None, vm="vm", **options):
        """a bundle with our tail for this chain and registry; its path"""
        args = ["evidence", self.path(vm), "--cloud", cloud, "--public-key", public_key]
        merged = {"call": call, "chain-id": self.chain_id, "registry": self.registry, **{k.replace("_", "-"): v for k, v in options.items()}}
        for k, v in merged.items():
            if v is not None:
                args += ["--" + k, v]
        self.counter += 1
        return self.write(name or f"evidence{self.counter}.json", self.run_sim(*args))

    def collateral(self, vm="vm", **options):
        """the simulated vendors' collateral; its folder (roots.pem inside)"""
        out = self.path(vm + "-collateral")
        self.run_sim("collateral", self.path(vm), "--out", out, *[x for k, v in options.items() for x in ("--" + k.replace("_", "-"), v)])
        return out


class Cases:
    """Named cases in order; ends on 'N passed, N failed, N skipped'."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, fn, *args):
        try:
            fn(*args)
            self.passed += 1
            print("ok", name, flush=True)
        except Exception as e:  # a case that breaks is a failed case; the others still run
            self.failed += 1
            print(f"FAILED {name}: {type(e).__name__}: {e}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)


def need(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in words))
