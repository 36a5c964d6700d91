"""OpenID Connect issuers: their keys, and RSA keys made here for an issuer that is a test's own."""

import base64
import json
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_private: dict[str, rsa.RSAPrivateKey] = {}
_issuers: dict[str, dict[str, dict]] = {}


class Untrusted(Exception):
    """A token that the issuer's keys do not vouch for; the text is for the answer."""


def make_key(kid: str | None = None) -> dict:
    """An RSA key, a new one unless it is known: its identifier and its public half as a JWKS."""
    kid = kid or uuid.uuid4().hex
    if kid not in _private:
        _private[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = _private[kid].public_key().public_numbers()
    public = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": _base64(numbers.n.to_bytes(256, "big")),
        "e": _base64(numbers.e.to_bytes(3, "big")),
    }
    return {"kid": kid, "jwks": {"keys": [public]}}


def sign(kid: str, claims: dict, header: dict | None = None) -> str:
    """A JWT with these claims, signed RS256 by a key of `make_key`. KeyError: no such key."""
    key = _private[kid]
    header = {"typ": "JWT", "alg": "RS256", "kid": kid} | (header or {})
    signed = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def trust(issuer: str, jwks: dict, replace: bool = False) -> None:
    """Publishes keys of an issuer, beside those it already has unless they are replaced."""
    host = host_of(issuer)
    keys = {} if replace else _issuers.setdefault(host, {})
    for key in jwks.get("keys", []):
        keys[key["kid"]] = key
    _issuers[host] = keys


def forget(issuer: str) -> None:
    _issuers.pop(host_of(issuer), None)


def host_of(issuer: str) -> str:
    """The name of an issuer in ARNs and condition keys: its URL without the scheme."""
    return issuer.split("://", 1)[-1].rstrip("/")


def read(token: str) -> tuple[dict, dict]:
    """Header and claims of a token, unverified. ValueError: it is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a JWT has three parts")
    header, claims = (json.loads(_bytes(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("header and claims of a JWT are objects")
    return header, claims


def verify(token: str, header: dict, issuer: str) -> None:
    """Raises Untrusted unless one of the issuer's keys made the signature."""
    keys = _issuers.get(host_of(issuer))
    if not keys:
        raise Untrusted(
            "Couldn't retrieve verification key from your identity provider,  please reference "
            "AssumeRoleWithWebIdentity documentation for requirements"
        )
    if header.get("alg") != "RS256":
        raise Untrusted(f"Token signing algorithm {header.get('alg')} is not supported")
    key = keys.get(header.get("kid"))
    if key is None:
        raise Untrusted("The ID Token provided is signed with a key that the identity provider does not publish")
    signed, _, signature = token.rpartition(".")
    numbers = rsa.RSAPublicNumbers(int.from_bytes(_bytes(key["e"]), "big"), int.from_bytes(_bytes(key["n"]), "big"))
    try:
        numbers.public_key().verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise Untrusted("Provided token's signature is invalid") from None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
