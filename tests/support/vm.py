"""One simulated VM with a home of its own, as the end-to-end tests use it: key, trust, configuration, evidence."""
import hashlib, os, time

from stage import need

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
"""


class Vm:
    """One simulated VM with its own home: key, trust, configuration. profile: the generation that its evidence is bound for;
    key_type: of its identities."""

    def __init__(self, s, cloud, vm, profile="g1b", key_type="p256", machine=None):
        self.s, self.cloud, self.vm = s, cloud, machine or vm
        self.profile, self.key_type = profile, key_type
        self.home = s.path("home-" + vm)
        os.makedirs(self.home)
        self.env = {"HOME": self.home, "XDG_STATE_HOME": self.home + "/state", "XDG_CONFIG_HOME": self.home + "/config"}
        self.conf = s.write(vm + ".ini", CONF.format(url=s.url, chain_id=s.chain_id, registry=s.registry, key=self.account(),
                                                     collateral=s.collateral(self.vm)))
        os.chmod(self.conf, 0o600)
        self.id, self.key = self.new_key()

    def account(self):
        """a paying account of its own, with money: two journals must not share one"""
        path = self.home + "/account.key"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, ("0x" + hashlib.sha256(self.home.encode()).hexdigest() + "\n").encode())
        os.close(fd)
        r = expect(self.s.relayer("account", "address", "--key-file", path, "--json", env=self.env), 0)
        self.s.rpc("anvil_setBalance", r.json["address"], hex(10 ** 20))
        return path

    def new_key(self):
        """identity hash and public key of a new key in this VM's state folder"""
        r = expect(self.run("identity", "new", "--json", "--profile", self.profile, "--type", self.key_type), 0)
        return r.json["identity_hash"], r.json["public_key"]

    def source(self):
        """a program that makes evidence of this VM for whatever challenge it is given"""
        path = self.home + "/evidence.sh"
        with open(path, "w") as f:
            f.write(f"""#!/bin/sh
exec {self.s.sim} evidence {self.s.path(self.vm)} --cloud {self.cloud} --public-key "$CVM_PUBLIC_KEY" --extra-data "$CVM_EXTRA_DATA"
""")
        os.chmod(path, 0o755)
        for folder in (self.s.dir, self.home):
            os.chmod(folder, 0o755)
        return "exec:" + path

    def run(self, *args, **kw):
        env = {**self.env, **kw.pop("env", {})}
        return self.s.relayer(*args, "--config", self.conf, env=env, **kw)

    def evidence(self, call="attestCvm", key=None, **options):
        options.setdefault("time", int(time.time()))
        options.setdefault("profile", self.profile)
        return self.s.evidence(self.cloud, key or self.key, call=call, vm=self.vm, **options)

    def row(self, id=None):
        """what status says after asking the chain, whatever the exit code"""
        return self.run("status", "--refresh", "--json", id or self.id).json["identities"][0]


def expect(r, code, *words):
    need(r.code == code, f"want exit {code} saying {words}:", r)
    for w in words:
        need(w in r.err or w in r.out, f"nothing says {w!r}:", r)
    return r
