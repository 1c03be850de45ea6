"""A registry that is not the one we know: other code behind its proxy."""
import contextlib

IMPL_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"  # EIP-1967


def code(selector, impl, answer):
    """passes every call on to impl, but ends the one with this selector by answer ("fd": refused, "f3": returns nothing) at once"""
    head = "60003560e01c63" + selector + "1460XX57"
    passing = "366000600037" + "60006000366000" + "73" + impl + "5af4" + "3d60006000" + "3e" + "60YY57" + "3d6000fd"
    done, refused = "5b3d6000f3", "5b60006000" + answer
    at_done = len(head + passing) // 2
    at_refused = at_done + len(done) // 2
    whole = head + passing + done + refused
    return "0x" + whole.replace("XX", f"{at_refused:02x}").replace("YY", f"{at_done:02x}")


@contextlib.contextmanager
def replaced(stage, selector, answer):
    word = stage.rpc("eth_getStorageAt", stage.registry, IMPL_SLOT, "latest")
    other = "0x" + "5e" * 20
    stage.rpc("anvil_setCode", other, code(selector, word[-40:], answer))
    stage.rpc("anvil_setStorageAt", stage.registry, IMPL_SLOT, "0x" + other[2:].rjust(64, "0"))
    try:
        yield
    finally:
        stage.rpc("anvil_setStorageAt", stage.registry, IMPL_SLOT, word)


def refusing(stage, selector):
    """while it lasts, the stage's registry refuses calls with this selector"""
    return replaced(stage, selector, "fd")


def doing_nothing(stage, selector):
    """while it lasts, the stage's registry takes calls with this selector and does nothing"""
    return replaced(stage, selector, "f3")
