"""One identity and its relayer on a stage whose time can be moved: chain, our clock and the simulated vendors' collateral go
together. Needs a build with a movable clock (hooks, or debug)."""
import contextlib, hashlib, json, os, shutil, sqlite3, subprocess, time

from stage import TOP, Stage, need

DAY = 86400
CONF = """[chain]
rpc_url = {url}
chain_id = {chain_id}
registry = {registry}
[account]
key_file = {key}
[fees]
finality = 1
[trust]
root = {collateral}/roots.pem
collateral = {collateral}
[source]
source = exec:{source}
source_timeout = 60s
source_max_bytes = 1000000
[freshness]
max_renewals_per_day = 0
max_per_hour = 0
[hooks]
hook_pre = {hook}
hook_renewed = {hook}
hook_failed = {hook}
hook_expiring = {hook}
hook_measurement_changed = {hook}
hook_unexplained_update = {hook}
"""
# what a source does, by the word in the file beside it
SOURCE = """#!/bin/sh
echo x >>{dir}/asked
read -r how <{dir}/how
now=$(($(date +%s) + $(cat {clock})))
case $how in
fresh) exec {sim} evidence {vm} --cloud {cloud} --public-key "$CVM_PUBLIC_KEY" --extra-data "$CVM_EXTRA_DATA" --time $now \
    --machine $(cat {vm}.machine) --level $(cat {vm}.level) --version $(cat {vm}.version) ;;
fail) echo "the TPM is away" >&2; exit 7 ;;
endless) exec yes ;;
silent) exit 0 ;;
slow) sleep 600 ;;
file) exec cat {dir}/evidence ;;
esac
"""
HOOK = """#!/bin/sh
{{ cat; echo; }} >>{dir}/told
! grep -qx "$CVM_HOOK" {dir}/forbidden
"""


def movable_build():
    for build in ("hooks", "debug"):
        if os.path.exists(os.path.join(TOP, "build", build, "cvm-relayer")):
            return build
    raise SystemExit("no build with a movable clock: cmake --preset hooks && cmake --build build/hooks")


class Life:
    """One home: its store, account, source and hooks. vm: the simulated VM that it is about (its own, by its name). like: another
    home whose VM, time and identity this one looks after as well, with a store and an account of its own."""

    def __init__(self, stage, name="vm", cloud="gcp", extra_conf="", options=("--profile", "g1b"), vm=None, like=None):
        self.s, self.name, self.cloud = stage, name, cloud
        self.vm = like.vm if like else vm or name
        self.home = stage.path("home-" + name)
        os.makedirs(self.home)
        os.chmod(self.home, 0o700)
        self.clock = like.clock if like else os.path.join(self.home, "clock")
        stage.extra_env["CVM_TEST_CLOCK"] = self.clock
        self.env = {"HOME": self.home, "XDG_STATE_HOME": self.home + "/state", "XDG_CONFIG_HOME": self.home + "/config", "CVM_TEST_CLOCK": self.clock}
        self.asked_before = 0
        for name in ("forbidden", "told", "asked"):
            self.put(name, "")
        self.source("fresh")
        if like:
            self.collateral = like.collateral
        else:
            self.put("clock", str(stage.now() - int(time.time())))
            self.machine(0)
            self.level(0)
            self.software(0)
            self.intel = 0
            self.refresh_collateral()
        self.script("source", SOURCE.format(dir=self.home, sim=stage.sim, vm=stage.path(self.vm), cloud=cloud, clock=self.clock))
        self.script("hook", HOOK.format(dir=self.home))
        self.conf = self.put("conf.ini", CONF.format(url=stage.url, chain_id=stage.chain_id, registry=stage.registry,
                                                     key=self.own_account() if like else stage.key_file(),
                                                     collateral=self.collateral, source=self.home + "/source", hook=self.home + "/hook") + extra_conf)
        if like:
            self.follow(like)
        else:
            self.identity = self.ok("identity", "new", "--json", *options).json
            self.id = self.identity["identity_hash"]

    def own_account(self):
        """a paying account of its own, with money: two journals must not share one"""
        path = self.put("account.key", "0x" + hashlib.sha256(self.home.encode()).hexdigest() + "\n")
        r = self.s.relayer("account", "address", "--key-file", path, "--json", env=self.env)
        need(r.code == 0, r)
        self.account = r.json["address"]
        self.s.rpc("anvil_setBalance", self.account, hex(10**20))
        return path

    def follow(self, like):
        """take the identity of another home: its key, and what the chain says of it"""
        self.identity, self.id = like.identity, like.id
        key = like.identity["file"]
        mine = key.replace(like.home, self.home)
        os.makedirs(os.path.dirname(mine), mode=0o700, exist_ok=True)
        shutil.copy(key, mine)

    # --- files ---
    def put(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def script(self, name, text):
        os.chmod(self.put(name, text), 0o700)

    def read(self, name):
        with open(os.path.join(self.home, name)) as f:
            return f.read()

    def source(self, how):
        self.put("how", how + "\n")

    def asked_so_far(self):
        """how often it was asked, without forgetting"""
        return len(self.read("asked").split()) - self.asked_before

    def wait_for(self, happened, what, seconds=60):
        end = time.monotonic() + seconds
        while not happened():
            need(time.monotonic() < end, "this does not happen:", what)
            time.sleep(0.05)

    def sql(self, statement, *values):
        """a change of the store behind the binary's back"""
        with contextlib.closing(sqlite3.connect(self.home + "/state/cvm-relayer/relayer.db", timeout=10)) as db:
            with db:
                return db.execute(statement, values).fetchall()

    def asked(self):
        """how often the source was asked since the last question"""
        n = len(self.read("asked").split())
        n, self.asked_before = n - self.asked_before, n
        return n

    def told(self, clear=True):
        """what the hooks heard, as (event, facts)"""
        out, text, decoder = [], self.read("told").strip(), json.JSONDecoder()
        while text:
            fact, end = decoder.raw_decode(text)
            out.append(fact)
            text = text[end:].strip()
        if clear:
            self.put("told", "")
        return [(t["event"], t) for t in out]

    # --- the VM ---
    def machine(self, n):
        """the VM runs on another machine from now on, with another TPM"""
        self.s.write(self.vm + ".machine", f"{n}\n")

    def software(self, n):
        """what the VM boots from now on: another version is measured otherwise"""
        self.s.write(self.vm + ".version", f"{n}\n")

    def level(self, n):
        """that machine's microcode and firmware"""
        self.s.write(self.vm + ".level", f"{n}\n")

    # --- time ---
    def now(self):
        with open(self.clock) as f:
            return int(time.time()) + int(f.read())

    def refresh_collateral(self):
        self.collateral_at = self.now()
        self.collateral = self.s.collateral(self.vm, time=str(self.collateral_at), level=str(self.intel), evaluation_number=str(20 + self.intel))

    def intel_moves_on(self):
        """a TCB recovery: from now on the next level of microcode is UpToDate, and those below are OutOfDate"""
        self.intel += 1
        self.refresh_collateral()

    def travel(self, seconds):
        self.s.travel(int(seconds))
        self.sync()

    def sync(self):
        """our clock to the chain's, and collateral of that time"""
        self.put("clock", str(self.s.now() - int(time.time())))
        if abs(self.now() - self.collateral_at) > 10 * DAY:
            self.refresh_collateral()

    # --- the binary ---
    def run(self, *args, env=None, **kw):
        return self.s.relayer(*args, "--config", self.conf, env={**self.env, **(env or {})}, **kw)

    def start(self, *args, env=None, **kw):
        return subprocess.Popen([self.s.binary, *map(str, args), "--config", self.conf], env={**self.s.env(), **self.env, **(env or {})}, cwd=self.s.dir,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def ok(self, *args, **kw):
        r = self.run(*args, **kw)
        need(r.code == 0, args, r)
        return r

    def evidence(self, call="attestCvm", key=None, registry=None, at=None):
        return self.s.evidence(self.cloud, key or self.identity["public_key"], call=call, vm=self.vm, registry=registry or self.s.registry,
                               time=str(at or self.now()), machine=self.s.read(self.vm + ".machine"), level=self.s.read(self.vm + ".level"))

    def register(self):
        return self.ok("register", self.evidence(), "--json")

    def renew(self, *args, code=0, **kw):
        r = self.run("renew", "--json", *args, **kw)
        need(r.code == code, "renew", *args, "wants exit", code, "and got", r)
        return r.json if r.out else {}

    def row(self, *args):
        r = self.run("status", "--json", "--refresh", self.id, *args)
        need(r.code in (0, 1, 4), r)
        return r.json["identities"][0]

    def updates(self):
        """how many times the registry said that this identity was updated"""
        return len(self.s.rpc("eth_getLogs", {"address": self.s.registry, "fromBlock": "0x0", "toBlock": "latest", "topics": [
            "0x64845dc53622ebb8d6b8e49053189f4124fb52f8104b1cd0d15b8bfc04d9c3d7", self.id]}))
