"""Other clients than anvil, each with a chain of its own: one interface over two implementations of the execution layer.
alloc: {address: (balance in wei, code or "0x")}. A block comes with each transaction, or with mine() when automine(False) was said."""
import base64, hashlib, hmac, json, os, shutil, signal, subprocess, tempfile, threading, time, urllib.request

from stage import TOP, free_port

MODULES = os.path.join(TOP, "tests/node_modules")


class RpcError(Exception):
    pass


class Client:
    def __init__(self, alloc):
        self.dir, self.port = tempfile.mkdtemp(prefix="cvm-client-"), free_port()
        self.url, self.closed = f"http://127.0.0.1:{self.port}", False
        self.auto = threading.Event()
        self.auto.set()
        self.node = self.start(alloc)
        try:
            self.wait_until_up()
            self.prepare(alloc)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.closed = True
        if self.node.poll() is None:
            os.killpg(self.node.pid, signal.SIGKILL)
        self.node.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def put(self, name, text):
        with open(os.path.join(self.dir, name), "w") as f:
            f.write(text)

    def spawn(self, *args, **env):
        return subprocess.Popen(["node", *args], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                env={**os.environ, **env})

    def wait_until_up(self):
        end = time.time() + 90
        while time.time() < end and self.node.poll() is None:
            try:
                return self.rpc("eth_chainId")
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"{type(self).__name__} does not come up")

    def rpc(self, method, *params, port=None, headers=()):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}", body, {"Content-Type": "application/json", **dict(headers)})
        answer = json.loads(urllib.request.urlopen(request, timeout=30).read())
        if "error" in answer:
            raise RpcError(f"{method}: {answer['error']}")
        return answer["result"]


class Hardhat(Client):
    chain_id = 31337
    program = os.path.join(MODULES, "hardhat/internal/cli/bootstrap.js")

    def start(self, alloc):
        self.put("hardhat.config.js", "module.exports = { solidity: '0.8.28', networks: { hardhat: { hardfork: 'prague' } } };\n")
        self.put("package.json", '{"name": "node", "private": true}\n')
        os.symlink(MODULES, os.path.join(self.dir, "node_modules"))
        return self.spawn(os.path.join(self.dir, "node_modules/hardhat/internal/cli/bootstrap.js"), "node", "--hostname", "127.0.0.1", "--port", str(self.port),
                          HARDHAT_DISABLE_TELEMETRY_PROMPT="true", CI="1")

    def prepare(self, alloc):
        for address, (balance, code) in alloc.items():
            self.rpc("hardhat_setBalance", address, hex(balance))
            if code != "0x":
                self.rpc("hardhat_setCode", address, code)

    def automine(self, on):
        self.rpc("evm_setAutomine", on)

    def mine(self):
        self.rpc("evm_mine")


class EthereumJs(Client):
    """No consensus layer beside it: the Engine API is spoken here, a block twice a second."""
    chain_id = 31338
    program = os.path.join(TOP, "tests/support/ethereumjs/node_modules/@ethereumjs/client/dist/esm/bin/cli.js")

    def start(self, alloc):
        self.engine, self.secret = free_port(), os.urandom(32)
        forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london mergeNetsplit".split()
        config = {"chainId": self.chain_id, **{f + "Block": 0 for f in forks}, "terminalTotalDifficulty": 0, "terminalTotalDifficultyPassed": True,
                  "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0,
                  "blobSchedule": {"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477},
                                   "prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716}}}
        self.put("genesis.json", json.dumps({
            "config": config, "difficulty": "0x1", "gasLimit": hex(30_000_000), "baseFeePerGas": hex(10**9), "timestamp": "0x0", "extraData": "0x",
            "nonce": "0x" + "0" * 16, "mixHash": "0x" + "0" * 64, "coinbase": "0x" + "0" * 40,
            "alloc": {a[2:]: {"balance": hex(balance), **({"code": code} if code != "0x" else {})} for a, (balance, code) in alloc.items()}}))
        self.put("jwt", self.secret.hex())
        return self.spawn(self.program, "--gethGenesis", "genesis.json", "--rpc", "--rpcPort", str(self.port), "--rpcEngine",
                          "--rpcEnginePort", str(self.engine), "--jwtSecret", "jwt", "--port", str(free_port()), "--dataDir", "data", "--discV4=false",
                          "--isSingleNode", "--logLevel=error")

    def prepare(self, alloc):
        self.mine()
        threading.Thread(target=self.mine_always, daemon=True).start()

    def mine_always(self):
        while not self.closed:
            time.sleep(0.5)
            if self.auto.is_set():
                try:
                    self.mine()
                except (OSError, RpcError):
                    pass  # it ends, or a block came from elsewhere

    def automine(self, on):
        self.auto.set() if on else self.auto.clear()

    def token(self):
        def b64(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        head = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + b64(json.dumps({"iat": int(time.time())}).encode())
        return (head + b"." + b64(hmac.new(self.secret, head, hashlib.sha256).digest())).decode()

    def consensus(self, method, *params):
        return self.rpc("engine_" + method, *params, port=self.engine, headers={"Authorization": "Bearer " + self.token()})

    def mine(self):
        zero = "0x" + "0" * 64
        head = self.rpc("eth_getBlockByNumber", "latest", False)
        attributes = {"timestamp": hex(max(int(time.time()), int(head["timestamp"], 16) + 1)), "prevRandao": zero,
                      "suggestedFeeRecipient": "0x" + "11" * 20, "withdrawals": [], "parentBeaconBlockRoot": zero}
        def follow(block, then=None):
            return self.consensus("forkchoiceUpdatedV3", {"headBlockHash": block, "safeBlockHash": block, "finalizedBlockHash": block}, then)
        payload = self.consensus("getPayloadV4", follow(head["hash"], attributes)["payloadId"])
        status = self.consensus("newPayloadV4", payload["executionPayload"], [], zero, payload.get("executionRequests", []))
        if status["status"] != "VALID":
            raise RpcError(f"a block that is {status}")
        follow(payload["executionPayload"]["blockHash"])
