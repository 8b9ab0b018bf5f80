import zoo
from tests import parts
from tests.contract import MethodContract


class TestBetaVAE(MethodContract):
    def make(self):
        return zoo.BetaVAE(parts.gaussian_encoder(), parts.decoder(), beta=4.0)
