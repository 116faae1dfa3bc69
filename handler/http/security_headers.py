"""The headers that every answer has."""

from __future__ import annotations

# X-Frame-Options, X-Content-Type-Options and X-XSS-Protection are the contract's (Backend Services, Security). The
# last one is 0: the filter it names did more harm than good, and browsers that still have it should leave it off.
SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "0",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
CONTENT_SECURITY_POLICY = "content-security-policy"
NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
